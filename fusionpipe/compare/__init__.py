"""How two trees differ: which files, and what in them. Pure: bytes come through a function the caller brings."""

from fusionpipe.compare.contents import NO_LIMITS as NO_LIMITS
from fusionpipe.compare.contents import Looks as Looks
from fusionpipe.compare.contents import compare_contents as compare_contents
from fusionpipe.compare.contents import compare_trees as compare_trees
from fusionpipe.compare.difference import Content as Content
from fusionpipe.compare.difference import Difference as Difference
from fusionpipe.compare.difference import FileChange as FileChange
from fusionpipe.compare.difference import How as How
from fusionpipe.compare.difference import JsonChange as JsonChange
from fusionpipe.compare.difference import NotCompared as NotCompared
from fusionpipe.compare.difference import ReadBlob as ReadBlob
from fusionpipe.compare.difference import TableChange as TableChange
from fusionpipe.compare.difference import TextChange as TextChange
