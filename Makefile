# Two commands matter: `make demo` and `make test`. Both create .venv and install what the lock names.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready

.PHONY: demo test bench interop check notebooks lock clean

demo: $(READY)
	$(BIN)/fer-helpers run params/demo.yaml

test: check
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile tests
	outputs=$$(mktemp -d) && trap 'rm -rf "$$outputs"' EXIT && \
	FER_OUTPUTS="$$outputs" $(BIN)/python -m pytest -x -p no:cacheprovider --nbval --nbval-current-env notebooks

check: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

# Half an hour on an otherwise idle machine; benchmarks/README.md keeps what was measured.
bench: $(READY)
	$(BIN)/python -m benchmarks.corpora 2>/dev/null
	$(BIN)/python -m benchmarks.client 2>/dev/null
	$(BIN)/python -m benchmarks.bootstrap
	$(BIN)/python -m benchmarks.explorer 2>/dev/null
	$(BIN)/python -m benchmarks.frames 2>/dev/null

# Real servers and other people's clients, in environments of their own: ten minutes. docs/servers.md says what works.
interop: $(READY) .venv-interop/ready .venv-litellm/ready
	.venv-interop/bin/python -m pytest -p no:cacheprovider interop

.venv-interop/ready: interop/requirements.txt
.venv-litellm/ready: interop/litellm.txt
.venv-%/ready:
	$(PYTHON) -m venv .venv-$*
	.venv-$*/bin/python -m pip install --quiet --requirement $<
	touch $@

# Runs the committed notebooks anew on the demo and cleans them of what changes from run to run.
notebooks: $(READY)
	outputs=$$(mktemp -d) && trap 'rm -rf "$$outputs"' EXIT && export FER_OUTPUTS="$$outputs" && \
	for notebook in notebooks/0*.ipynb; do \
		$(BIN)/jupyter nbconvert --log-level WARN --to notebook --execute --inplace "$$notebook" || exit 1; \
	done
	$(BIN)/nbstripout --keep-output --keep-count --keep-id notebooks/0*.ipynb --extra-keys \
		"metadata.papermill cell.metadata.papermill cell.metadata.execution metadata.widgets metadata.language_info.version"

$(READY): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-build-isolation --no-deps --editable .
	touch $(READY)

# The lock is resolved for Python 3.11 and later on every platform; it holds hashes and no index address.
lock:
	$(BIN)/uv pip compile --quiet pyproject.toml --extra dev --python-version 3.11 --universal \
		--generate-hashes --no-header --output-file requirements.lock

clean:
	rm -rf .venv .venv-* outputs
