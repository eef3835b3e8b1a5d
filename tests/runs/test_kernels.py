"""A run's kernels: this interpreter's, whatever the machine is set to, and gone with the run however it ends."""

import json
import os
import signal
import subprocess
import sys
import time

import nbformat
import psutil
import pytest

from fer_helpers.errors import RunError
from fer_helpers.paths import ROOT
from fer_helpers.runs import kernels
from fer_helpers.runs.busy import hold

WAITING = "open('there', 'w').close(); import time; time.sleep(100)"


def begin(folder, code, **settings):
    """The process of a run with one notebook of one cell, `code`, and settings of its environment."""
    command = [sys.executable, "-m", "tests.support.tiny_notebook", "tiny", str(folder), code]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **settings}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return subprocess.Popen(command, cwd=ROOT, env=environment, text=True, **pipes)


def told(process):
    """What the process said until its end, and its exit code."""
    return process.communicate(timeout=120)[0], process.returncode


def interrupted(tmp_path, how):
    """A run that was told to stop in the middle of a cell: what it said, its exit code, and what it left."""
    place = tmp_path / "temporary"
    place.mkdir()
    process = begin(tmp_path / "run", WAITING, TMPDIR=str(place))
    until = time.monotonic() + 100
    while not (tmp_path / "run" / "there").exists():
        assert process.poll() is None, process.stdout.read()
        assert time.monotonic() < until
        time.sleep(0.05)
    kernels_of_it = psutil.Process(process.pid).children()
    with pytest.raises(RunError, match=f"in use by process {process.pid} on "), hold(tmp_path / "run"):
        pass
    process.send_signal(how)
    said, code = told(process)
    gone = psutil.wait_procs(kernels_of_it, timeout=20)[1]
    with hold(tmp_path / "run"):  # the lock went with its process
        pass
    return said, code, [*gone, *place.iterdir()]


def test_ctrl_c_ends_with_one_line_and_130(tmp_path):
    assert interrupted(tmp_path, signal.SIGINT) == ("fer-helpers: interrupted; run again to resume\n", 130, [])


@pytest.mark.slow  # a process with a kernel; Ctrl-C has the same end
def test_sigterm_leaves_no_kernel_and_no_folder(tmp_path):
    assert interrupted(tmp_path, signal.SIGTERM) == ("", 143, [])


def test_a_killed_kernel_is_one_line(tmp_path):
    said, code = told(begin(tmp_path / "run", "import os; os.kill(os.getpid(), 9)"))
    assert code == 1
    assert said.startswith("fer-helpers: tiny: its kernel was killed, perhaps for want of memory")
    assert said.count("\n") == 1


def test_kernels_are_this_interpreter_and_draw_whatever_the_machine_is_set_to(tmp_path):
    """A foreign python3, another backend, a matplotlibrc, IPython's startup files, a TMPDIR too long for a socket.

    Sockets lay in the working directory, which may be read-only, and is the same for all runs of a checkout.
    """
    spec = tmp_path / "jupyter" / "kernels" / "python3" / "kernel.json"
    spec.parent.mkdir(parents=True)
    spec.write_text(
        json.dumps({"argv": ["/bin/false", "{connection_file}"], "display_name": "x", "language": "python"})
    )
    (tmp_path / "matplotlibrc").write_text("text.usetex: true\nfont.family: Nosuch\n")
    profile = tmp_path / "ipython" / "profile_default"
    (profile / "startup").mkdir(parents=True)
    (profile / "startup" / "first.py").write_text("print('good morning')\n")
    (profile / "ipython_config.py").write_text("c.InlineBackend.figure_formats = ['svg']\n")
    (profile / "ipython_kernel_config.py").write_text("c.InlineBackend.figure_formats = ['svg']\n")
    (tmp_path / "startup.py").write_text("print('good evening')\n")
    long = tmp_path / ("long" * 40)
    long.mkdir()
    code = (
        "import sys, matplotlib.pyplot as plt; from fer_helpers import figures; figures.set_style(); "
        "plt.plot([1, 2]); plt.title('a_b'); plt.show(); print(sys.executable); "
        "import os; print('sockets here:', [name for name in os.listdir() if '-ipc-' in name])"
    )
    settings = {"JUPYTER_PATH": tmp_path / "jupyter", "MPLBACKEND": "agg", "MATPLOTLIBRC": tmp_path, "TMPDIR": long}
    settings |= {"IPYTHONDIR": tmp_path / "ipython", "PYTHONSTARTUP": tmp_path / "startup.py"}
    said, code = told(begin(tmp_path / "run", code, **{name: str(value) for name, value in settings.items()}))
    assert (said, code) == ("done\n", 0)
    outputs = nbformat.read(tmp_path / "run" / "notebooks" / "tiny.ipynb", as_version=4).cells[-1].outputs
    assert [name for one in outputs for name in one.get("data", {}) if name.startswith("image/")] == ["image/png"]
    assert [one["text"] for one in outputs if one.output_type == "stream"] == [f"{sys.executable}\nsockets here: []\n"]


def test_where_no_path_is_short_enough_kernels_are_reached_over_tcp(monkeypatch):
    monkeypatch.setattr(kernels, "LONGEST", 20)
    before = dict(os.environ)
    with kernels.surroundings() as config:
        assert "KernelManager" not in config
        assert os.environ["JUPYTER_RUNTIME_DIR"] != before.get("JUPYTER_RUNTIME_DIR")
    assert dict(os.environ) == before


def test_a_log_gets_no_bars():
    """Standard error is a pipe here: a bar in this process leaves nothing in it, and one in a notebook is shown."""
    bar = "import sys; from tqdm.auto import tqdm; list(tqdm(range(3), file=sys.stderr))"
    command = f"""
import os
from fer_helpers import cli
cli.main(["corpora"], standalone_mode=False)
{bar}
from fer_helpers.runs.kernels import surroundings
with surroundings():
    print("in a kernel:", os.environ.get("TQDM_DISABLE"))
"""
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stderr == ""
    assert "in a kernel: None" in done.stdout
