"""Writes the files of the data benchmarks. Its text is also the code of the nodes that write them.

Stands alone: any Python runs it, and it imports nothing of ours.

    writer.py DIRECTORY FILES BYTES
"""

import os
import random
import sys

CHUNK = 1 << 20
PER_DIRECTORY = 1_000


def write(directory: str, files: int, size: int) -> None:
    """`files` files of `size` bytes, no two alike, a thousand to a directory."""
    block = memoryview(random.Random(7).randbytes(CHUNK))
    for number in range(files):
        place = os.path.join(directory, f"d{number // PER_DIRECTORY:03d}")
        if number % PER_DIRECTORY == 0:
            os.mkdir(place)
        with open(os.path.join(place, f"f{number:06d}.bin"), "wb", buffering=0) as file:
            for start in range(0, size, CHUNK):
                head = (number << 32 | start // CHUNK).to_bytes(8, "little")
                file.write(b"".join((head, block[8 : min(CHUNK, size - start)])))


if __name__ == "__main__":
    write(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
