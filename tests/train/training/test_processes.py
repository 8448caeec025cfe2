"""Training in two real processes: as one with twice the batch, and through a kill and a stop."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.torch import load_file

from tests.support.plain_training import resized
from train.finetune import finetune
from train.training.presets import parse

pytestmark = pytest.mark.slow  # each run starts two processes, which import torch

REPOSITORY = Path(__file__).parents[3]
SMOKE = str(REPOSITORY / "train" / "configs" / "smoke.json")
STEPS, SAVED, KILLED = 16, 4, 6
# More than an epoch of draws by source, lessons from a teacher, and validations in between. The
# pictures fill all batches of an epoch: else the last one would be padded for one of the processes.
# SGD, because Muon rounds to bf16, which blows up the differences between two sums.
LESSON = [
    "--source_weights", '{"utkface": 0.7, "fairface": 0.3}', "--feature_distillation", "0.7",
    "--precision", "fp32", "--patch_dropout", "0", "--max_steps", str(STEPS), "--save_steps",
    str(SAVED), "--eval_steps", str(SAVED), "--max_train_pictures", "192", "--disable_tqdm", "true",
    "--optimizer", "trainer", "--optim", "sgd", "--learning_rate", "0.3",
]  # fmt: skip


def in_two_processes(
    argv: list[str], launcher: tuple[str, ...] = (), **environment: str
) -> subprocess.CompletedProcess:
    """Run `train.finetune` on pictures as they are, on the processor."""
    launch = launcher or ("torch.distributed.run", "--standalone", "--nproc_per_node", "2")
    command = [sys.executable, "-m", *launch, "-m", "tests.support.plain_training", *argv]
    settings = os.environ | {"CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"} | environment
    return subprocess.run(
        command, cwd=REPOSITORY, capture_output=True, text=True, timeout=600, env=settings
    )


def assert_equal_weights(one: Path, other: Path, tolerance: float) -> None:
    expected, got = (load_file(folder / "final" / "model.safetensors") for folder in (one, other))
    assert expected.keys() == got.keys()
    for name, weights in expected.items():
        apart = (weights - got[name]).abs().max().item()
        assert apart < tolerance, f"{name}: {apart}"


@pytest.fixture(scope="module")
def lesson(prepared, tiny_checkpoint) -> list[str]:
    teacher = ["--teacher", str(tiny_checkpoint)]
    return ["--config", SMOKE, "--data", str(prepared), *LESSON, *teacher]


@pytest.fixture(scope="module")
def alone(lesson, tmp_path_factory) -> Path:
    """One process that takes 32 pictures a step."""
    out = tmp_path_factory.mktemp("alone")
    argv = [*lesson, "--output_dir", str(out), "--report_to", "none"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("train.data.dataset.augment", resized)
        finetune(*parse([*argv, "--per_device_train_batch_size", "32"]))
    return out


@pytest.fixture(scope="module")
def together(lesson, tmp_path_factory) -> tuple[Path, str]:
    """Two that take 16 pictures each, and what they printed."""
    out = tmp_path_factory.mktemp("together")
    argv = [*lesson, "--output_dir", str(out), "--report_to", "none"]
    done = in_two_processes([*argv, "--per_device_train_batch_size", "16"])
    assert done.returncode == 0, done.stderr[-3000:]
    return out, done.stdout + done.stderr


def test_two_processes_train_what_one_does_with_twice_the_batch(alone, together):
    out, printed = together
    assert_equal_weights(alone, out, tolerance=1e-5)
    one, two = (json.loads((f / "final" / "training.json").read_text()) for f in (alone, out))
    assert two["pictures_seen"] == one["pictures_seen"] == STEPS * 32
    assert two["validation"]["eval_mae"] == pytest.approx(one["validation"]["eval_mae"], abs=0.01)
    assert two["hardware"].startswith("2 x ")
    assert printed.count("saved: ") == 1, "only the first process writes"


def test_a_killed_process_ends_the_run_which_then_goes_on(lesson, together, tmp_path):
    import mlflow

    tracking = f"sqlite:///{tmp_path}/mlflow.db"
    argv = [*lesson, "--output_dir", str(tmp_path / "run"), "--report_to", "mlflow",
            "--per_device_train_batch_size", "16"]  # fmt: skip
    killed = in_two_processes(argv, MLFLOW_TRACKING_URI=tracking, KILL_AT_STEP=str(KILLED))
    assert killed.returncode != 0 and not (tmp_path / "run" / "final").exists()
    again = in_two_processes(argv, MLFLOW_TRACKING_URI=tracking)
    assert again.returncode == 0, again.stderr[-3000:]
    assert again.stderr.count(f"checkpoint-{SAVED}; remove") == 1
    assert_equal_weights(together[0], tmp_path / "run", tolerance=1e-5)
    client = mlflow.MlflowClient(tracking)
    (run,) = client.search_runs([client.get_experiment_by_name("age").experiment_id])
    assert run.info.status == "FINISHED"


def test_both_stop_at_the_step_at_which_the_first_one_s_time_is_over(lesson, tmp_path):
    argv = [*lesson, "--output_dir", str(tmp_path), "--report_to", "none", "--optimizer", "muon",
            "--cache_on_device", "true", "--mixup", "0.4", "--stop_after_minutes", "1e-9",
            ]  # fmt: skip
    by_accelerate = ("accelerate.commands.launch", "--multi_gpu", "--num_processes", "2",
                     "--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no",
                     "--num_cpu_threads_per_process", "1")  # fmt: skip
    stopped = in_two_processes(argv, by_accelerate)
    assert stopped.returncode != 0
    assert stopped.stderr.count(f"stopped at step 10 of {STEPS}; give the same command") == 1
    assert "exitcode  : 75" in stopped.stderr
    assert (tmp_path / "checkpoint-10" / "trainer_state.json").is_file()
    assert {f.name for f in (tmp_path / "checkpoint-10").glob("rng_state*")} == {
        "rng_state_0.pth", "rng_state_1.pth",
    }  # fmt: skip
