import pytest
from huggingface_hub.errors import LocalEntryNotFoundError, RepositoryNotFoundError

from age_model.network import loading as model_files
from age_model.page.lazy_predictor import LazyPredictor
from age_model.page.render import render


@pytest.fixture
def hub(monkeypatch):
    """Function that makes every download from the Hub end with an error."""
    monkeypatch.setenv("AGE_FACE_DETECTOR", "haar")

    def fails(error: Exception) -> None:
        def fail(*_, **__):
            raise error

        monkeypatch.setattr(model_files, "snapshot_download", fail)

    return fails


def test_where_the_hub_does_not_answer_the_embedded_model_stands_in(hub, capsys):
    hub(LocalEntryNotFoundError("no connection"))
    predictor = LazyPredictor()
    predictor.load("someone/age-vit")
    assert predictor.model_name == model_files.EMBEDDED_NAME
    assert predictor.instead_of == "someone/age-vit"
    said = capsys.readouterr().err
    assert "the Hub did not give it (it does not answer" in said and "embedded model" in said
    html = render("page.html", "model", name="a", detector="b", unreachable=predictor.instead_of)
    assert "someone/age-vit" in html


def test_the_environments_model_is_named_too(hub, monkeypatch):
    monkeypatch.setenv("AGE_MODEL_ID", "someone/other@v2")
    hub(LocalEntryNotFoundError("no connection"))
    predictor = LazyPredictor()
    assert predictor.model_name == model_files.EMBEDDED_NAME
    assert predictor.instead_of == "someone/other@v2"


def test_a_name_that_the_hub_does_not_know_is_no_want_of_network(hub):
    class Reply:
        status_code, headers, request = 404, {}, None

    hub(RepositoryNotFoundError("no such repository", response=Reply()))
    with pytest.raises(ValueError, match="no such repository"):
        LazyPredictor().load("someone/no-such")


def test_a_revision_reaches_the_hub(monkeypatch, tiny_checkpoint):
    from age_model import AgePredictor

    asked = []

    def download(name, revision, **_):
        asked.append((name, revision))
        return tiny_checkpoint

    monkeypatch.setattr(model_files, "snapshot_download", download)
    shown = AgePredictor.from_pretrained("someone/age-vit@v2", detector="haar").model_name
    AgePredictor.from_pretrained("someone/age-vit", detector="haar", revision="abc")
    assert asked == [("someone/age-vit", "v2"), ("someone/age-vit", "abc")]
    assert shown == "someone/age-vit@v2"
