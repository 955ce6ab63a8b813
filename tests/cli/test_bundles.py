"""`fp export` and `fp import`: a result goes to another project in one file, and is believed there by nobody
who was not asked."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest

from fusionpipe.action import key_of
from fusionpipe.build.archive import open_archive
from fusionpipe.build.bundles import Import, bring_in
from fusionpipe.build.foreign import complaint
from fusionpipe.build.record import Maker
from fusionpipe.testing import Project
from fusionstore.bundle import TITLE, BadBundle
from fusionstore.bundle_write import Wanted, write_bundle
from fusionstore.contract import Draft, FullRecord, JsonObject, Published, Standing
from fusionstore.digest import ActionKey, Digest


def study(project: Project) -> Project:
    return (
        project.write("raw/node.toml", "source = true\n")
        .write("raw/data/numbers", "1 2 3\n")
        .node("clean", "tr ' ' '\\n' < ../parents/raw/numbers > ../data/lines", parents=["raw"])
        .write("common/names", "sum")
        .node(
            "fit",
            "cat ../inputs/names ../parents/clean/lines > ../data/fit",
            parents=["clean"],
            toml='[inputs]\nnames = "../common/names"\n[params]\nrate = 0.5\n',
        )
    )


@pytest.fixture
def made(project: Project) -> Project:
    assert study(project).call("build").code == 0
    return project


@pytest.fixture
def reader(tmp_path: Path) -> Project:
    """Somebody else's project: the same files, another store."""
    return study(Project(tmp_path / "reader"))


def records_of(project: Project) -> dict[str, FullRecord]:
    with open_archive(project.root, project.environment) as archive:
        ids = {record for root in archive.store.roots() for record in root.records}
        fulls = [archive.store.read_record(id) for id in ids]
        return {str(full.body["node"]): full for full in fulls}


def stored(project: Project) -> dict[str, bytes]:
    store = project.root / ".fusionpipe/store"
    return {
        str(path.relative_to(store)): path.read_bytes()
        for place in ("objects", "actions", "roots")
        for path in (store / place).rglob("*")
        if path.is_file()
    }


def test_an_export_says_what_is_in_it_and_what_is_not(made: Project) -> None:
    result = made.call("export", "fit", "../fit.fpx")
    assert (0, "") == (result.code, result.err)
    first, second = result.out.splitlines()
    assert re.fullmatch(r"fit → \.\./fit\.fpx: 1 result, 4 files, \d+ B", first)
    assert second == (
        "its parents are not in it: --deep adds them, so that it can be reproduced anywhere"
    )
    deep = made.call("export", "fit", "../deep.fpx", "--deep").out.splitlines()
    assert deep[0].startswith("fit → ../deep.fpx: 2 results, 7 files, ")
    assert deep[1].startswith("not in it: raw, which clean read (")


def test_a_result_without_parents_is_whole_as_it_is(made: Project) -> None:
    made.node("alone").call("build")
    assert 1 == len(made.call("export", "alone", "../alone.fpx").out.splitlines())


def test_equal_results_are_equal_files(made: Project) -> None:
    for name in ("one", "two"):
        made.call("export", "fit", name, "--deep")
    assert (made.root / "one").read_bytes() == (made.root / "two").read_bytes()


def test_an_imported_result_is_known_and_built_anyway(made: Project, reader: Project) -> None:
    made.call("export", "fit", "../fit.fpx", "--deep")
    theirs = records_of(made)
    result = reader.call("import", "../fit.fpx")
    assert (0, "") == (result.code, result.err)
    lines = result.out.splitlines()
    assert lines[0] == "../fit.fpx: 2 new results"
    shown = sorted(line.split()[1:] for line in lines[1:3])
    assert shown == [["clean", "imported"], ["fit", "imported"]]
    assert lines[3].endswith("no build uses them before `fp reproduce`")
    known = records_of(reader)
    assert {name: full.record.id for name, full in known.items()} == {
        name: full.record.id for name, full in theirs.items()
    }
    shown = reader.call("show", theirs["fit"].record.id).out.splitlines()
    assert shown[1] == "  imported, not reproduced here: no build uses it"
    why = reader.call("build", "-n").out
    assert "imported, not reproduced here" in why
    assert reader.outcomes() == {"raw": "kept", "clean": "ran", "fit": "ran"}


def test_without_its_parents_a_result_says_how_they_come(made: Project, reader: Project) -> None:
    """--deep was given already: it must not be all that is advised."""
    made.call("export", "fit", "../fit.fpx")
    reader.call("import", "../fit.fpx")
    result = reader.call("reproduce", records_of(made)["fit"].record.id, "--deep")
    assert result.code == 1
    assert "  (fp export --deep brings such records along)\n" in result.out


def test_a_trusted_result_is_restored(made: Project, reader: Project) -> None:
    made.call("export", "fit", "../fit.fpx", "--deep")
    result = reader.call("import", "../fit.fpx", "--trust")
    assert "imported" not in result.out.split("kept as")[0].replace("import-", "")
    assert reader.outcomes() == {"raw": "kept", "clean": "restored", "fit": "restored"}
    assert reader.data("fit") == made.data("fit")


def test_nobody_elses_result_takes_the_place_of_ones_own(made: Project, reader: Project) -> None:
    reader.call("build")
    ours = records_of(reader)
    made.call("export", "fit", "../fit.fpx")
    result = reader.call("import", "../fit.fpx", "--trust")
    assert result.code == 0
    assert "stays imported: this store has a result of its key already" in result.out
    assert reader.outcomes() == {"raw": "kept", "clean": "kept", "fit": "kept"}
    assert records_of(reader)["clean"].record.id == ours["clean"].record.id


def test_who_imported_what_from_where_is_kept_with_the_import(
    made: Project, reader: Project
) -> None:
    made.call("export", "fit", "../fit.fpx")
    reader.call("import", "../fit.fpx")
    again = reader.call("import", "../fit.fpx", "--json", "--trust")
    (told,) = [json.loads(line) for line in again.out.splitlines()]
    assert (told["event"], told["new"], told["not_trusted"]) == ("imported", [], [])
    assert [one["standing"] for one in told["results"]] == ["realisation"]
    with open_archive(reader.root, reader.environment) as archive:
        root = archive.store.read_root(told["root"])
        assert root is not None
        assert (root.body["file"], root.body["data"], root.body["trusted"]) == (
            "../fit.fpx",
            True,
            True,
        )
        assert isinstance(root.body["made"], float)
        assert root.body["user"]
        archive.store.reindex()
        assert archive.store.read_root(told["root"]) == root


def test_without_data_what_makes_it_is_there(made: Project, reader: Project) -> None:
    told = made.call("export", "fit", "../fit.fpx", "--no-data", "--json")
    assert (json.loads(told.out)["data"], json.loads(told.out)["files"]) == (False, 3)
    reader.call("import", "../fit.fpx")
    full = records_of(reader)["fit"]
    with open_archive(reader.root, reader.environment) as archive:
        code = archive.store.check(full.keeps["code"])
        assert (code / "main.sh").read_text().startswith("cat ../inputs")
        assert full.record.standing is Standing.IMPORTED
    refused = reader.call("import", "../fit.fpx", "--trust")
    assert "stays imported: its data was not brought along, or is gone" in refused.out


def test_a_source_that_is_kept_comes_along(project: Project, tmp_path: Path) -> None:
    study(project).write("raw/node.toml", 'source = "keep"\n').call("build")
    told = project.call("export", "fit", "../fit.fpx", "--deep", "--no-data", "--json")
    assert json.loads(told.out)["missing"] == []
    reader = Project(tmp_path / "reader")
    root = json.loads(reader.call("import", "../fit.fpx", "--json").out)["root"]
    with open_archive(reader.root, reader.environment) as archive:
        known = archive.store.read_root(root)
        assert known is not None
        (raw,) = known.trees
        assert (archive.store.check(raw) / "numbers").read_text() == "1 2 3\n"


def test_a_bundle_goes_through_a_pipe(made: Project, reader: Project) -> None:
    store = reader.root / ".fusionpipe/store"
    told = made.shell(f"fp export fit - --deep | fp -C {reader.root} import -")
    assert "[exit code" not in told
    assert "fit → -: 2 results" in told
    assert "-: 2 new results" in told
    assert len(list((store / "actions").rglob("*.imported"))) == 2


def test_an_export_replaces_nothing_unasked_and_leaves_nothing_half_written(made: Project) -> None:
    made.write("there", "mine")
    result = made.call("export", "fit", "there")
    assert (result.code, (made.root / "there").read_text()) == (2, "mine")
    assert "--force" in result.err
    assert made.call("export", "fit", "there", "--force").code == 0
    assert (made.root / "there").read_bytes().startswith(TITLE)
    assert made.call("export", "fit", "no/such/place").code == 2
    assert made.call("export", "nothing", "x").code == 2
    before = sorted(made.root.iterdir())
    fit = next((made.root / "fit/data").resolve().iterdir())
    fit.chmod(0o644)
    fit.write_text("FLIPPED" + fit.read_text()[7:])
    result = made.call("export", "fit", "damaged")
    assert result.code == 4
    assert sorted(made.root.iterdir()) == before


def test_a_project_whose_nodes_cannot_be_read_exports_and_imports(
    made: Project, reader: Project
) -> None:
    for project in (made, reader):
        project.write("fit/node.toml", "parents = [")
    assert made.call("export", "fit", "../fit.fpx").code == 0
    assert reader.call("import", "../fit.fpx").code == 0


def test_a_bundle_that_is_not_one_is_refused_with_a_sentence(
    made: Project, reader: Project
) -> None:
    reader.call("build")
    before = stored(reader)
    made.call("export", "fit", "../good.fpx", "--deep")
    good = (made.root / "../good.fpx").read_bytes()
    for bad in (
        b"",
        b"PK\x03\x04",
        good[:-1],
        good[: len(good) // 2],
        good + b"x",
        good.replace(b"0.5", b"0.6"),
    ):
        (reader.root / "bad.fpx").write_bytes(bad)
        result = reader.call("import", "bad.fpx")
        assert (4, "", 1) == (result.code, result.out, len(result.err.splitlines()))
        assert result.err.startswith("fp: the bundle is refused, and nothing of it was stored: ")
        assert stored(reader) == before
    assert list((reader.root / ".fusionpipe/store/tmp/trash").iterdir()) == []
    assert reader.call("import", "nothing.fpx").code == 2


# -- records that lie -----------------------------------------------------------------------------
def lies(full: FullRecord) -> dict[str, FullRecord]:
    record, body = full.record, full.body
    manifest = body["manifest"]
    assert isinstance(manifest, dict)
    other = Digest("0" * 64)

    def with_manifest(**changes: object) -> FullRecord:
        """Changed, and its key with it: only what it keeps, or names, is wrong."""
        changed: JsonObject = {**manifest, **changes}  # type: ignore[dict-item]  # wrong on purpose
        key = key_of(changed)
        return full._replace(record=record._replace(key=key), body={**body, "manifest": changed})

    names = {"inputs": {"../names": ["file", other]}}
    return {
        "another key": full._replace(record=record._replace(key=ActionKey("1" * 64))),
        "another parameter": full._replace(body={**body, "manifest": {**manifest, "seed": 1}}),
        "no manifest": full._replace(body={}),
        "other code": with_manifest(code=other),
        "no code": with_manifest(code=None),
        "other input": with_manifest(inputs={"names": ["file", other]}),
        "input as executable": with_manifest(
            inputs={"names": ["executable", manifest["inputs"]["names"][1]]}  # type: ignore[index,call-overload]
        ),
        "undeclared input": with_manifest(inputs={}),
        "input that leads out": with_manifest(**names)._replace(keeps={"code": full.keeps["code"]}),
        "lib that leads out": with_manifest(libs={"/x": ["directory", other]}),
        "entry that leads out": with_manifest(entry=["shell", "../../x.sh", []]),
        "alias that leads out": with_manifest(parents={"../up": {"": other}}),
        "member that leads out": with_manifest(parents={"up": {"../x": other}}),
        "parent that is no digest": with_manifest(parents={"up": {"": "x"}}),
        "a list for an object": with_manifest(libs=[]),
        "a node elsewhere": full._replace(body={**body, "node": "../x"}),
        "a node from the root": full._replace(body={**body, "node": "/x"}),
        "a name that moves the cursor": full._replace(body={**body, "host": "a\x1b[2J"}),
        "a user that is a number": full._replace(body={**body, "user": 1}),
        "no data": full._replace(record=record._replace(slots={})),
        "another thing kept": full._replace(keeps={**full.keeps, "secrets": other}),
    }


def test_a_record_that_does_not_say_one_thing_throughout_is_complained_of(made: Project) -> None:
    full = records_of(made)["fit"]
    assert complaint(full) is None
    told = {lie: complaint(of) for lie, of in lies(full).items()}
    assert [lie for lie, why in told.items() if not why] == []


def test_a_bundle_with_a_record_that_lies_is_refused(made: Project, reader: Project) -> None:
    full = records_of(made)["fit"]
    with open_archive(made.root, made.environment) as archive:
        store = archive.store
        slots = {name: store.read_tree(tree) for name, tree in full.record.slots.items()}
        keeps = {name: store.read_tree(tree) for name, tree in full.keeps.items()}
        (lie,) = store.commit(
            [Draft(ActionKey("1" * 64), slots, keeps, full.record.log, body=full.body)]
        )
        assert isinstance(lie, Published)
        parts: list[bytes] = []
        write_bundle(store, Wanted([lie.record.id]), parts.append)
    with open_archive(reader.root, reader.environment) as archive:
        how = Import("x", trust=True, maker=Maker("u", "h"))
        with pytest.raises(BadBundle, match="another key than its manifest gives"):
            bring_in(archive.store, io.BytesIO(b"".join(parts)), how)
    assert stored(reader) == {}


def test_an_import_is_listed_with_the_pins_and_can_be_let_go(
    made: Project, reader: Project
) -> None:
    assert 0 == made.call("export", "fit", str(made.root.parent / "fit.fpx")).code
    told = reader.call("import", str(made.root.parent / "fit.fpx")).out
    (name,) = set(re.findall(r"import-[0-9a-f]{12}", told))
    listed = reader.call("pins").out
    assert name in listed
    assert "fit.fpx" in listed
    assert 0 == reader.call("unpin", name).code
    assert "nothing is pinned" in reader.call("pins").out
    assert 2 == reader.call("unpin", name).code


def test_an_imported_result_is_known_by_the_name_it_was_made_under(
    made: Project, tmp_path: Path
) -> None:
    reader = Project(tmp_path / "other").node("mine")
    assert 0 == made.call("export", "fit", "../fit.fpx", "--deep").code
    assert 0 == reader.call("import", "../fit.fpx").code
    told = reader.call("show", "fit")
    assert told.out.startswith(f"fit  {records_of(made)['fit'].record.id[:12]}")
    assert "fp: fit is no node here: the imported result of that name is meant\n" == told.err
    assert 0 == reader.call("checkout", "fit", "../laid").code
    refused = reader.call("history", "fit")
    assert (2, True) == (refused.code, "only results of that name were imported" in refused.err)
    made.write("fit/node.toml", 'parents = ["clean"]\n[inputs]\nnames = "../common/names"\n')
    assert 0 == made.call("build").code
    assert 0 == made.call("export", "fit", "../later.fpx").code
    assert 0 == reader.call("import", "../later.fpx").code
    several = reader.call("show", "fit")
    assert (2, "") == (several.code, several.out)
    for record in (told.out.split()[1], records_of(made)["fit"].record.id[:12]):
        assert f"{record} of fit, " in several.err
    assert "has no result yet" in reader.node("fit").call("show", "fit").err
