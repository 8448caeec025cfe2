"""What a container engine would do with the Dockerfile, done in a folder, where there is no engine.

Files are copied as it would copy them. Commands run in the real shell, but find only the programs
that a test gives them: what installs things on a machine is replaced by a note of how it was
called.
"""

import json
import os
import shlex
import shutil
import subprocess
from pathlib import Path

from docker.utils.build import exclude_paths
from dockerfile_parse import DockerfileParser

REPOSITORY = Path(__file__).resolve().parents[2]
TOOLS = ("grep", "sh", "xargs")  # real ones that the image has, too


class Image:
    """A Dockerfile, and a folder that stands for the root of its file system.

    Attributes:
        steps: (instruction, value) in order, comments left out.
        env: what ENV sets.
        user: who runs the command.
        app: the folder of the machine that stands for the last WORKDIR.
    """

    def __init__(self, context: Path, root: Path):
        self.context, self.root = context, root
        parser = DockerfileParser(path=str(context), env_replace=False)
        self.steps = [
            (step["instruction"], step["value"])
            for step in parser.structure
            if step["instruction"] != "COMMENT"
        ]
        self.env: dict[str, str] = parser.envs
        self.arguments: dict[str, str] = parser.args
        self.user = self.values("USER")[-1]
        self.app = root / self.values("WORKDIR")[-1].lstrip("/")
        self.command: list[str] = json.loads(self.values("CMD")[-1])
        self.healthcheck: list[str] = json.loads(self.values("HEALTHCHECK")[-1].split("CMD", 1)[1])

    def values(self, instruction: str) -> list[str]:
        """What stands behind an instruction, each time that it is given."""
        return [value for name, value in self.steps if name == instruction]

    def context_files(self) -> set[str]:
        """The files that .dockerignore lets through."""
        patterns = [
            line
            for line in (self.context / ".dockerignore").read_text().splitlines()
            if line.strip() and not line.startswith("#")
        ]
        paths = exclude_paths(str(self.context), patterns)
        return {path for path in paths if (self.context / path).is_file()}

    def copy(self) -> None:
        """Carry out every COPY.

        Raises:
            FileNotFoundError: a source is not there, or .dockerignore holds it back.
        """
        files = self.context_files()
        for value in self.values("COPY"):
            *sources, target = [word for word in shlex.split(value) if not word.startswith("--")]
            for source in sources:
                inside = [file for file in files if file == source or file.startswith(f"{source}/")]
                if not inside:
                    raise FileNotFoundError(f"COPY {value}: nothing of {source} reaches the build")
                for file in inside:
                    # A folder's content is copied, not the folder; a file goes into TARGET/.
                    below = Path(file).relative_to(source)
                    name = below if below.parts else Path(file).name if target[-1] == "/" else ""
                    place = self.app / target / name
                    place.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(self.context / file, place)

    def run(self, value: str, programs: Path, **env: str) -> subprocess.CompletedProcess:
        """Carry out a RUN; it finds the programs in the folder `programs` and no others."""
        return subprocess.run(
            [shutil.which("sh"), "-c", value], cwd=self.app, text=True, capture_output=True,
            env=self.arguments | {"PATH": str(programs), "HOME": f"{self.root}/home/user"} | env,
        )  # fmt: skip


def programs_in(folder: Path, noted: tuple[str, ...], real: dict[str, str] | None = None) -> Path:
    """Fill a folder with programs: those that only note how they are called, and real ones.

    Args:
        noted: names; each call adds a line to the file "calls" beside the folder.
        real: {name: path}, besides TOOLS.
    """
    folder.mkdir()
    for name in noted:
        _script(folder / name, f'echo {name} "$@" >> {folder.parent / "calls"}')
    for name, path in ({tool: shutil.which(tool) for tool in TOOLS} | (real or {})).items():
        _script(folder / name, f'exec {path} "$@"')
    return folder


def _script(path: Path, line: str) -> None:
    path.write_text(f"#!{shutil.which('sh')}\n{line}\n")
    os.chmod(path, 0o755)
