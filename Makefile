# Two commands matter: `make demo` and `make test`. Both create .venv and install what the lock names.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready

# An environment that was moved, or whose Python is gone, is made anew: its programs would end in "Error 127".
$(shell [ ! -e $(READY) ] || { [ -x $(BIN)/python ] && [ -x "$$(sed -n '1s/^#!//p' $(BIN)/pip)" ]; } || rm -rf .venv)

.PHONY: demo test coverage bench interop check notebooks strip site slides lock clean

# The second annotator first, which the demo is compared with and pooled with in notebook 04.
demo: $(READY)
	$(BIN)/fer-helpers run params/demo_rules.yaml
	$(BIN)/fer-helpers run params/demo.yaml -p compare_with "[outputs/demo-rules]"

# One process more than there are cores: tests wait for servers, kernels and a browser.
test: check
	$(BIN)/python -m pytest -n $$($(BIN)/python -c "import os; print(min(4, 1 + (os.cpu_count() or 1)))") \
		--dist loadfile --no-loadscope-reorder \
		--nbval --nbval-current-env tests notebooks

# The simulations of docs/statistics.md, with as many data sets as it cites, and the tests that are too slow for `test`.
coverage: $(READY)
	FER_DATA_SETS=2000 $(BIN)/python -m pytest -s tests/evaluation/test_coverage.py \
		tests/evaluation/test_coverage_groups.py tests/evaluation/test_coverage_order.py \
		tests/evaluation/test_coverage_sweeps.py tests/estimation/test_coverage.py
	$(BIN)/python -m pytest -m slow tests
	$(BIN)/python -m pytest -m '' --nbval --nbval-current-env notebooks

check: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/typos
	$(BIN)/mypy
	$(BIN)/lint-imports

# Half an hour on an otherwise idle machine; benchmarks/README.md keeps what was measured.
bench: $(READY)
	$(BIN)/python -m benchmarks.corpora 2>/dev/null
	$(BIN)/python -m benchmarks.client 2>/dev/null
	$(BIN)/python -m benchmarks.bootstrap
	$(BIN)/python -m benchmarks.scale 2>/dev/null
	$(BIN)/python -m benchmarks.audit 2>/dev/null
	$(BIN)/python -m benchmarks.explorer 2>/dev/null
	$(BIN)/python -m benchmarks.frames 2>/dev/null
	$(BIN)/python -m benchmarks.sweep

# Real servers and other people's clients, in environments of their own; docs/servers.md says what works.
# Half an hour on two busy cores.
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
	for notebook in notebooks/0*.ipynb notebooks/solutions/0*.ipynb; do \
		case "$$notebook" in notebooks/07_*) $(BIN)/python -m tests.support.small_sweep || exit 1;; esac; \
		$(BIN)/jupyter nbconvert --log-level WARN --to notebook --execute --inplace "$$notebook" || exit 1; \
	done
	$(MAKE) strip

strip: $(READY)
	$(BIN)/nbstripout --keep-output --keep-count --keep-id notebooks/0*.ipynb notebooks/solutions/0*.ipynb --extra-keys \
		"metadata.papermill cell.metadata.papermill cell.metadata.execution metadata.widgets metadata.language_info.version"

# Notebooks as committed, docs and docstrings as static pages in website/_build: open index.html, or put it on any server.
site: $(READY)
	rm -rf website/_build
	$(BIN)/python -m website.build

# The chapters as slides in website/_slides, a slide a heading; shown with reveal.js from the network.
slides: $(READY)
	$(BIN)/jupyter nbconvert --log-level WARN --config website/nbconvert/config.py --to slides \
		--output-dir website/_slides notebooks/0*.ipynb

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

# outputs/ stays: it holds replies that were paid for, and people's marks. outputs/README.md says what can be deleted.
clean:
	rm -rf .venv .venv-* build dist website/_build website/_slides *.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find fer_helpers interop tests benchmarks -name __pycache__ -prune -exec rm -rf {} +
