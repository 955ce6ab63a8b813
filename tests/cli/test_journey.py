"""Whole journeys with the real `fp`: every line that a user sees, but for times, sizes, dates and hashes."""

from __future__ import annotations

import pytest

from fusionpipe.testing import Project

EDITS = r"""
$ git init -q
$ fp init
made fusionpipe.toml
added /.fusionpipe/ to .gitignore
next: fp new NAME, then fp build
$ fp new load
made load/node.toml
made load/code/main.py
$ fp new clean --parent load
made clean/node.toml
made clean/code/main.py
$ fp build
ran       load  <time>  never run
ran       clean  <time>  never run
store <size> (<size>), <size> free
2 ran, 0 restored, 0 kept, 0 failed in <time>
$ fp build
nothing to do: 2 nodes up to date in <time>
$ fp status
fresh  clean
fresh  load

all up to date: 2 fresh
$ echo '# a comment' >> load/code/main.py
$ fp build -n
will run  load  code/main.py edited
may run   clean  depends on what load produces
1 will run, 1 may run
$ fp status
stale  clean  depends on what load produces
stale  load   code/main.py edited

2 nodes: 2 stale
$ fp why load
load: will run: code/main.py edited
  compared with the nearest earlier run (just now, <hash>)
  • code/main.py edited
    --- before/code/main.py
    +++ now/code/main.py
    @@ -9,3 +9,4 @@
         table = csv.writer(file)
         table.writerow(["number", "square"])
         table.writerows([number, number**2] for number in range(1, 11))
    +# a comment
$ fp why clean
clean: may run: depends on what load produces
  • load: will run: code/main.py edited
$ fp build
ran       load  <time>  code/main.py edited
store <size> (<size>), <size> free
1 ran, 0 restored, 1 kept, 0 failed in <time>
$ fp why clean
clean: fresh: nothing that reaches it has changed
  the result was made
    by <user> on <host>, just now (<date>)
    in <time>, build <build>
    it ran then because: never run
$ printf '[params]\nrows = 3\n' >> load/node.toml
$ echo 'import json; open("../data/n","w").write(str(json.load(open("../params.json"))["rows"]))' >> load/code/main.py
$ fp build
ran       load  <time>  code/main.py edited; param rows: (none) → 3
ran       clean  <time>  load produced other data
store <size> (<size>), <size> free
2 ran, 0 restored, 0 kept, 0 failed in <time>
$ fp build -p load.rows=5
ran       load  <time>  param rows: 3 → 5
ran       clean  <time>  load produced other data
store <size> (<size>), <size> free
2 ran, 0 restored, 0 kept, 0 failed in <time>
$ fp status
restorable  clean  its result is in the store
restorable  load   its result is in the store; made with -p

2 nodes: 2 restorable
$ fp why load
load: its result is in the store; a build links it
  what is linked now was made with -p: rows
  the result was made
    by <user> on <host>, just now (<date>)
    in <time>, build <build>
    it ran then because: code/main.py edited; param rows: (none) → 3
  before it, the nearest run had
  • code/main.py edited
    --- before/code/main.py
    +++ now/code/main.py
    @@ -10,3 +10,4 @@
         table.writerow(["number", "square"])
         table.writerows([number, number**2] for number in range(1, 11))
     # a comment
    +import json; open("../data/n","w").write(str(json.load(open("../params.json"))["rows"]))
  • param rows: (none) → 3
$ fp build
restored  load  found in the store
restored  clean  found in the store
0 ran, 2 restored, 0 kept, 0 failed in <time>
$ fp status --check
fresh  clean
fresh  load

all up to date: 2 fresh
$ cp load/code/main.py kept.py
$ sed -i '$d' load/code/main.py
$ fp build -q
$ cp kept.py load/code/main.py
$ fp build
restored  load  found in the store
restored  clean  found in the store
0 ran, 2 restored, 0 kept, 0 failed in <time>
$ rm load/data
$ fp status
restorable  load   its result is in the store
fresh       clean

2 nodes: 1 restorable, 1 fresh
$ fp build
restored  load  its link was gone or altered
0 ran, 1 restored, 1 kept, 0 failed in <time>
$ fp graph
load
└─ clean
"""

FAILURE = r"""
$ fp new load
made load/node.toml
made load/code/main.py
$ fp new clean --parent load
made clean/node.toml
made clean/code/main.py
$ fp build -q
$ printf '\n\ndef clean():\n    raise ValueError("no such column")\n\n\nclean()\n' >> clean/code/main.py
$ fp build
failed    clean  <time>  exited with 1
    Traceback (most recent call last):
      File "clean/code/main.py", line 25, in <module>
        clean()
      File "clean/code/main.py", line 22, in clean
        raise ValueError("no such column")
    ValueError: no such column
  log:   clean/logs.txt
  again: .fusionpipe/failed/clean/rerun
0 ran, 0 restored, 1 kept, 1 failed in <time>
[exit code 1]
$ fp status
failed  clean  exited with 1
fresh   load

2 nodes: 1 failed, 1 fresh
$ fp why clean
clean: will run: failed last time: exited with 1
  log: clean/logs.txt
  compared with the nearest earlier run (just now, <hash>)
  • code/main.py edited
    --- before/code/main.py
    +++ now/code/main.py
    @@ -16,3 +16,10 @@
     os.makedirs("../data", exist_ok=True)
     with open("../data/sizes.json", "w") as file:
         json.dump(sizes, file, indent=1)
    +
    +
    +def clean():
    +    raise ValueError("no such column")
    +
    +
    +clean()
$ .fusionpipe/failed/clean/rerun 2>&1 | tail -1
ValueError: no such column
$ fp logs clean
# fusionpipe: clean started <date> on <host>
# command: <python> main.py
Traceback (most recent call last):
  File "clean/code/main.py", line 25, in <module>
    clean()
  File "clean/code/main.py", line 22, in clean
    raise ValueError("no such column")
ValueError: no such column
# exit 1 after <time>, <size>
$ sed -i '/no such column/d; s/^def clean.*/def clean(): pass/' clean/code/main.py
$ fp status
stale  clean  code/main.py edited
fresh  load

2 nodes: 1 stale, 1 fresh
$ fp why clean
clean: will run: code/main.py edited
  its last run failed, before it was changed: exited with 1
  compared with the nearest earlier run (just now, <hash>)
  • code/main.py edited
    --- before/code/main.py
    +++ now/code/main.py
    @@ -16,3 +16,9 @@
     os.makedirs("../data", exist_ok=True)
     with open("../data/sizes.json", "w") as file:
         json.dump(sizes, file, indent=1)
    +
    +
    +def clean(): pass
    +
    +
    +clean()
$ fp build
ran       clean  <time>  code/main.py edited
store <size> (<size>), <size> free
1 ran, 0 restored, 1 kept, 0 failed in <time>
$ fp logs clean
# fusionpipe: clean started <date> on <host>
# command: <python> main.py
# exit 0 after <time>, <size>
"""

BY_HAND = r"""
$ fp new load
made load/node.toml
made load/code/main.py
$ fp build -q
$ mkdir scripts
$ echo 'print(open("../parents/load/squares.csv").read(), file=open("../data/x.csv", "w")); open("/etc/hostname")' > scripts/fit.py
$ fp new fit --from scripts/fit.py --parent load
made fit/node.toml
these paths leave the node: read a parent as ../parents/<name>/…, write results to ../data/…, plots to ../reports/…
scripts/fit.py:1: "/etc/hostname"
$ fp build
ran       fit  <time>  never run
store <size> (<size>), <size> free
1 ran, 0 restored, 1 kept, 0 failed in <time>
$ ls fit fit/data
fit:
data
logs.txt
node.toml
parents

fit/data:
x.csv
$ fp graph
load
└─ fit
$ fp run fit
fp: fit exited with 0; data/ holds what it wrote, until the next build
$ fp run fit -- sh -c 'pwd; ls -A; cat ../parents/load/squares.csv | head -2; echo mine > ../data/mine.txt; exit 7'
<root>/fit/.run
fit.py
number,square
1,1
fp: your own fit/data is kept as <root>/.fusionpipe/store/trees/<hash>
fp: fit exited with 7; data/ holds what it wrote, until the next build
[exit code 7]
$ fp status
modified by hand  fit   data/ is a directory of your own; the next build keeps its bytes and links the result
fresh             load

2 nodes: 1 modified by hand, 1 fresh
$ fp build
warning: fit: data/ held files of your own: they are kept in <root>/.fusionpipe/store/trees/<hash>
restored  fit  its link was gone or altered
0 ran, 1 restored, 1 kept, 0 failed in <time>
$ ls fit fit/data
fit:
data
logs.txt
node.toml
params.json
parents
reports

fit/data:
x.csv
$ rm -r fit/parents fit/data load/data
$ fp link
linked 2 nodes
$ ls fit fit/parents
fit:
data
logs.txt
node.toml
params.json
parents
reports

fit/parents:
load
$ fp destroy
removes the links of 2 nodes and <root>/.fusionpipe
with the store in it: <size> of results
and 2 results of yours that a build or `fp run` moved there
fp: nothing was removed
  there is no terminal to ask on: say --yes
[exit code 2]
$ fp destroy --yes
removes the links of 2 nodes and <root>/.fusionpipe
with the store in it: <size> of results
and 2 results of yours that a build or `fp run` moved there
done: fusionpipe.toml, code and sources are as they were
$ find . | sort
.
./fit
./fit/node.toml
./fusionpipe.toml
./load
./load/code
./load/code/main.py
./load/node.toml
./scripts
./scripts/fit.py
"""


def test_from_init_through_edits_and_parameters_to_a_restored_result(project: Project) -> None:
    (project.root / "fusionpipe.toml").unlink()
    assert EDITS.lstrip("\n") == project.replay(EDITS, is_quick=True)


def test_a_failure_is_shown_explained_repeated_and_mended(project: Project) -> None:
    assert FAILURE.lstrip("\n") == project.replay(FAILURE, is_quick=True)


@pytest.mark.slow
def test_a_script_becomes_a_node_is_run_by_hand_and_everything_is_taken_out_again(
    project: Project,
) -> None:
    assert BY_HAND.lstrip("\n") == project.replay(BY_HAND)


def test_a_reverted_failure_gives_the_results_log_back(project: Project) -> None:
    project.node("load", "echo good")
    project.call("build")
    good = project.call("logs", "load").out
    project.node("load", "echo bad; exit 3")
    assert 1 == project.call("build").code
    project.node("load", "echo good")
    assert {"load": "kept"} == project.outcomes()
    assert good == project.call("logs", "load").out
    assert "failed" not in project.call("why", "load").out
