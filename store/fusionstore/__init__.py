"""A content store of results: blobs and trees by digest, records by action key."""
