"""Jupyter servers for tests in a browser: started on loopback with settings of their own, stopped as Ctrl-C does."""

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import nbformat

from fer_helpers.paths import ROOT

WAIT = 60_000  # ms; a busy machine is slow, not wrong


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@contextlib.contextmanager
def serving(command, folder):
    """A server's process with settings of its own; told to stop as Ctrl-C does."""
    names = (
        "JUPYTER_CONFIG_DIR",
        "JUPYTER_DATA_DIR",
        "JUPYTER_RUNTIME_DIR",
        "JUPYTERLAB_SETTINGS_DIR",
        "JUPYTERLAB_WORKSPACES_DIR",
        "IPYTHONDIR",
    )
    own = {name: str(folder / name.lower()) for name in names}
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            command, env={**os.environ, **own, "PYTHONPATH": path, "JUPYTER_PREFER_ENV_PATH": "1"},
            cwd=folder, stdout=subprocess.PIPE, stderr=log, text=True,
        )  # fmt: skip
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


@dataclass(frozen=True)
class Lab:
    """A JupyterLab on loopback: its address, its token, and the folder its notebooks lie in."""

    address: str
    token: str
    folder: Path


@contextlib.contextmanager
def lab(folder):
    """JupyterLab with the notebooks in `folder`, until the block ends."""
    settings = folder / "jupyterlab_settings_dir" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    (settings / "notification.jupyterlab-settings").write_text('{"fetchNews": "false", "checkForUpdates": false}')
    port, token = free_port(), secrets.token_hex(16)
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--expose-app-in-browser"),
        *("--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}", "--ServerApp.port_retries=0"),
        *(f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={folder}", "--LabApp.extension_manager=readonly"),
    ]
    with serving(command, folder) as process:
        address, until = f"http://127.0.0.1:{port}", time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{address}/api/status?token={token}", timeout=5):
                break
            assert process.poll() is None, (folder / "log").read_text()[-2000:]
            assert time.monotonic() < until, "JupyterLab does not answer"
            time.sleep(0.2)
        yield Lab(address, token, folder)


READY = """async () => {
  const app = window.jupyterapp;
  await app.restored;
  const notebook = app.shell.currentWidget;
  if (!notebook?.sessionContext) return false;
  await notebook.revealed;
  await notebook.sessionContext.ready;
  const kernel = notebook.sessionContext.session?.kernel;
  return kernel?.connectionStatus === "connected" && kernel.status === "idle";
}"""
RUN_ALL = """() => {
  window.ran = "running";
  const end = (how) => { window.ran = String(how); };
  window.jupyterapp.commands.execute("notebook:run-all-cells").then(end, end);
}"""
IN_KERNEL = """async (code) => {
  const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
  const future = kernel.requestExecute({ code });
  let said = "";
  future.onIOPub = ({ content }) => { said += content.text ?? (content.traceback ?? []).join("\\n"); };
  await future.done;
  return said;
}"""


def open_notebook(page, lab, name, cells):
    """Write a notebook, open it in JupyterLab and run it to the end."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, lab.folder / name)
    page.goto(f"{lab.address}/lab/tree/{name}?token={lab.token}&reset")
    page.wait_for_function("window.jupyterapp?.shell?.currentWidget", timeout=WAIT)
    page.wait_for_function(READY, timeout=WAIT, polling=200)
    page.evaluate(RUN_ALL)
    page.wait_for_function("window.ran !== 'running'", timeout=WAIT)
    assert page.evaluate("window.ran") == "true"
