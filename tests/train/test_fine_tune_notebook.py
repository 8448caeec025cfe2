"""docs/fine_tune.ipynb: in step with its text, without outputs, and it runs from top to bottom."""

from pathlib import Path

import jupytext
import nbformat
import pytest
from nbclient import NotebookClient

REPOSITORY = Path(__file__).resolve().parents[2]
TEXT, NOTEBOOK = (REPOSITORY / "docs" / f"fine_tune.{form}" for form in ("md", "ipynb"))
MAKE = "jupytext --set-kernel python3 --to ipynb docs/fine_tune.md"


def test_the_notebook_is_what_its_text_says():
    text, notebook = (jupytext.read(file) for file in (TEXT, NOTEBOOK))
    cells = [[(cell.cell_type, cell.source) for cell in form.cells] for form in (text, notebook)]
    assert cells[0] == cells[1], f"run: {MAKE}"


def test_the_notebook_holds_no_outputs_and_its_code_parses():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert len(code) > 10
    for cell in code:
        assert not cell.outputs and cell.execution_count is None
        compile(cell.source, "cell", "exec")


@pytest.mark.slow
def test_it_runs_from_top_to_bottom(tmp_path, monkeypatch):
    monkeypatch.setenv("OUT", str(tmp_path))
    monkeypatch.setenv("STEPS", "12")
    monkeypatch.delenv("PHOTOS", raising=False)
    for name in ("AGE_MODEL_ID", "MLFLOW_TRACKING_URI", "MPLBACKEND"):
        monkeypatch.delenv(name, raising=False)
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(
        notebook, timeout=600, kernel_name="python3",
        resources={"metadata": {"path": str(REPOSITORY / "docs")}},
    ).execute()  # fmt: skip
    printed = "".join(
        output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", [])
    )
    assert "after: MAE" in printed and "Nothing was sent to USER/NAME." in printed
    figures = [o for cell in notebook.cells for o in cell.get("outputs", []) if "data" in o]
    assert sum("image/png" in figure.data for figure in figures) == 4
    assert (tmp_path / "run" / "final" / "README.md").is_file()
