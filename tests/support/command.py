"""The command line in this process, and the arguments of the small run."""

from click.testing import CliRunner

from fer_helpers import cli

SMALL = ("-p", "n_clips", "14", "-p", "n_resamples", "200", "-p", "human_labels", "", "--out", "outputs/small")


def fer(*arguments: str):
    """`fer-helpers` with `arguments`, in this process."""
    return CliRunner().invoke(cli.main, [str(argument) for argument in arguments])
