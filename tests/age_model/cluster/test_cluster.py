"""Ray, real: a cluster of three nodes on this machine, of which one is killed in the middle."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq
import pytest
from moto.server import ThreadedMotoServer
from PIL import Image

from age_model import cli

ray = pytest.importorskip("ray", reason="Ray is not installed: pip install '.[cluster]'")
REPOSITORY = Path(__file__).parents[3]
PHOTOS = 60  # few enough for the command line to examine them without workers
KEY = [("file", "ascending"), ("face", "ascending")]


@pytest.fixture(scope="module", autouse=True)
def _quiet():
    """No report to its makers, and no token, which a real cluster shares among its machines."""
    patch = pytest.MonkeyPatch()
    for name, value in (("USAGE_STATS_ENABLED", "0"), ("AUTH_MODE", "disabled")):
        patch.setenv(f"RAY_{name}", value)
    yield
    patch.undo()


@pytest.fixture(scope="module")
def photos(tmp_path_factory, astronaut) -> Path:
    """PHOTOS photos of which each has a width of its own, two bad files, and a name over lines."""
    folder = tmp_path_factory.mktemp("photos")
    picture = Image.fromarray(astronaut)
    for i in range(PHOTOS):
        picture.resize((220 + i, 220)).save(folder / f"{i:03}.jpg")
    (folder / "empty.jpg").touch()
    (folder / "text.jpg").write_text("only text")
    (folder / "000.jpg").rename(folder / "two\nlines.jpg")
    return folder


@pytest.fixture
def options(tiny_checkpoint) -> list[str]:
    return ["--model", str(tiny_checkpoint), "--detector", "haar"]


def whole_files(folder: Path) -> list[Path]:
    """The files that nobody is writing any more."""
    found = []
    for path in folder.glob("*.parquet"):
        with suppress(pa.ArrowInvalid):
            pq.read_metadata(path)
            found.append(path)
    return found


def rows(folder: Path) -> pa.Table:
    return pa.concat_tables(pq.read_table(p) for p in sorted(folder.glob("*.parquet"))).sort_by(KEY)


def assert_same(got: pa.Table, wanted: pa.Table) -> None:
    """Equal but for the noise of batches of other sizes."""
    assert got.schema == wanted.schema
    for name in wanted.column_names:
        if wanted.schema.field(name).type == pa.float64():
            expected = pytest.approx(wanted[name].to_pylist(), abs=0.11, nan_ok=True)
            assert got[name].to_pylist() == expected, name
        else:
            assert got[name].to_pylist() == wanted[name].to_pylist(), name


@pytest.fixture(scope="module")
def s3() -> Iterator[pafs.S3FileSystem]:
    """A server that speaks S3, on this machine; the environment tells everybody of it."""
    server, patch = ThreadedMotoServer(port=0, verbose=False), pytest.MonkeyPatch()
    server.start()
    address = "http://{}:{}".format(*server.get_host_and_port())
    for name, value in {
        "ENDPOINT_URL": address,
        "ACCESS_KEY_ID": "test",
        "SECRET_ACCESS_KEY": "test",
        "DEFAULT_REGION": "us-east-1",
    }.items():
        patch.setenv(f"AWS_{name}", value)
    yield pafs.S3FileSystem(endpoint_override=address, allow_bucket_creation=True)
    patch.undo()
    server.stop()


@pytest.fixture(scope="module")
def cluster(s3) -> Iterator["ray.cluster_utils.Cluster"]:
    from ray.cluster_utils import Cluster

    nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    for _ in range(2):
        nodes.add_node(num_cpus=1)
    yield nodes
    nodes.shutdown()


@pytest.fixture
def start(cluster, options) -> Iterator[Callable[..., subprocess.Popen]]:
    """Starts the command on the cluster; ended with the test, should it still run."""
    started = []

    def command(*arguments: object) -> subprocess.Popen:
        given = [*map(str, arguments), "--address", cluster.address, *options]
        line = [sys.executable, "-m", "age_model.cluster", *given]
        started.append(subprocess.Popen(line, cwd=REPOSITORY, stderr=subprocess.PIPE, text=True))
        return started[-1]

    yield command
    for process in started:
        process.kill()
        process.wait()


@pytest.mark.slow
def test_parquet_with_pictures_is_examined_once(start, photos, tmp_path):
    """Then the same command finds everything done."""
    names = ["001.jpg", "002.jpg", "empty.jpg", "003.jpg"]
    pictures = [{"bytes": (photos / name).read_bytes(), "path": None} for name in names]
    source, out = tmp_path / "pictures.parquet", tmp_path / "out"
    pq.write_table(pa.table({"id": names, "image": pictures, "other": [0] * 4}), source)
    arguments = [source, "--out", out, "--name-column", "id", "--crops"]
    for done in (0, 4):
        command = start(*arguments)
        _, said = command.communicate(timeout=400)
        assert command.returncode == 1, said
        assert f"{done} pictures are done already" in said
        assert "4 pictures, 3 faces, 1 failed" in said
        found = rows(out)
        assert found["file"].to_pylist() == sorted(names)
        assert found["width"].to_pylist() == [221, 222, 223, None]


@pytest.mark.slow
def test_bucket_is_examined_once(start, s3, photos):
    """From one bucket to another; then the same command finds everything done."""
    names = ["001.jpg", "below/002.jpg", "empty.jpg"]
    for bucket in ("archive", "ages"):
        s3.create_dir(bucket)
    for name in names:
        with s3.open_output_stream(f"archive/photos/{name}") as file:
            file.write((photos / Path(name).name).read_bytes())
    for done in (0, 3):
        command = start("s3://archive/photos", "--out", "s3://ages/out")
        _, said = command.communicate(timeout=400)
        assert command.returncode == 1, said
        assert f"{done} pictures are done already" in said
        assert "3 pictures, 2 faces, 1 failed" in said
        found = pq.read_table("ages/out", filesystem=s3).sort_by(KEY)
        assert found["file"].to_pylist() == [f"s3://archive/photos/{name}" for name in names]
        assert found["width"].to_pylist() == [221, 222, None]


@pytest.mark.slow
def test_killed_node_loses_nothing(cluster, start, photos, options, tmp_path):
    wanted, out = tmp_path / "wanted", tmp_path / "out"
    assert cli.main([str(photos), "--parquet", "--out", str(wanted), *options])
    command = start(photos, "--out", out)
    deadline = time.monotonic() + 300
    while not whole_files(out) and time.monotonic() < deadline:
        assert command.poll() is None, command.stderr.read()
        time.sleep(0.05)
    assert 1 <= len(whole_files(out)) <= 4, "it was killed too late"  # of 9
    cluster.remove_node(max(cluster.worker_nodes, key=id), allow_graceful=False)
    _, said = command.communicate(timeout=400)
    assert command.returncode == 1, said
    assert f"{PHOTOS + 2} pictures" in said and "1 failed: is empty" in said
    assert_same(rows(out), rows(wanted))
