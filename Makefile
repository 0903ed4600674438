# Every target sets up what it needs. `make demo` and `make test` want only Python 3.11 or 3.12, git and make.

PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3)
VENV := .venv
RUN := $(VENV)/bin/python
# One more than there are cores, for tests wait for other processes most of the time.
WORKERS := $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
PYTEST := "$(RUN)" -m pytest -q -n $(WORKERS) --dist worksteal
LOCK := locks/development.txt

.PHONY: help check demo test test-fast test-peers test-node simulate lint coverage bench soak lock clean

help:
	@echo "make demo        the whole story on three nodes, in under two minutes (KEEP=1 leaves them up)"
	@echo "make test        all tests that need only what pip brings"
	@echo "make test-fast   those of them that start no process and need no torch, in under a minute"
	@echo "make coverage    make test's first run, with the branches that it reached (out/coverage/index.html)"
	@echo "make test-peers  tests with Chromium, Node and other people's programs; fails without them"
	@echo "make test-node   the tests of a node without a generator, under PYTHON=python3.12 for instance"
	@echo "make simulate    clusters under every kind of fault, each decided by a seed (SEEDS=300)"
	@echo "make lint        types, style, import layers"
	@echo "make bench       figures, each against a reference, with conditions"

check:
	@"$(PYTHON)" scripts/check_machine.py

$(VENV)/ready: $(LOCK) pyproject.toml
	@$(MAKE) --no-print-directory check
	"$(PYTHON)" -m venv "$(VENV)"
	"$(RUN)" -m pip install --quiet --disable-pip-version-check -r "$(LOCK)"
	"$(RUN)" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch "$(VENV)/ready"

demo: $(VENV)/ready
	@"$(RUN)" -m devnet.demo $(if $(KEEP),--keep)

test: $(VENV)/ready lint
	PYTHONHASHSEED=1 $(PYTEST) -m "not peers and not soak"
	PYTHONHASHSEED=2 $(PYTEST) -m "not peers and not soak" tests/contracts_vm tests/threshold tests/ledger tests/consensus

test-fast: $(VENV)/ready
	$(PYTEST) -m "not peers and not soak and not nodes" tests/contracts_vm tests/threshold tests/ledger tests/consensus tests/node tests/policies

coverage: $(VENV)/ready
	PYTHONHASHSEED=1 $(PYTEST) -m "not peers and not soak" --cov --cov-branch --cov-report=term --cov-report=html:out/coverage

test-peers: $(VENV)/ready
	@scripts/install_peers.sh
	@"$(RUN)" -c "import ray" 2>/dev/null || "$(RUN)" -m pip install --quiet --disable-pip-version-check -r locks/fleet.txt
	"$(RUN)" -m pip install --quiet --disable-pip-version-check --no-deps -r locks/peers.txt
	"$(RUN)" -m pytest -q -m peers

test-node:
	@$(MAKE) --no-print-directory check
	"$(PYTHON)" -m venv "$(VENV)-node"
	"$(VENV)-node/bin/pip" install --quiet --disable-pip-version-check -r locks/node.txt -c "$(LOCK)" \
		pytest hypothesis http-message-signatures scitt-cose pycose cwt pyarrow setuptools mypy ruff
	"$(VENV)-node/bin/pip" install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	OTHER_PYTHON="$(wildcard $(RUN))" "$(VENV)-node/bin/python" -m pytest -q -m "not peers and not soak" tests/contracts_vm tests/threshold tests/ledger tests/consensus \
		tests/node tests/documents tests/verifiers/test_python_verifier.py tests/end_to_end --deselect tests/end_to_end/test_generation.py

soak: $(VENV)/ready
	"$(RUN)" -m pytest -q -m soak

simulate: $(VENV)/ready
	"$(RUN)" -m simulator --seeds $(or $(SEEDS),300)

lint: $(VENV)/ready
	"$(RUN)" -m ruff check .
	"$(RUN)" -m ruff format --check .
	"$(RUN)" -m mypy
	"$(VENV)/bin/lint-imports"

bench: $(VENV)/ready
	"$(RUN)" -m bench.throughput
	"$(RUN)" -m bench.ledger
	"$(RUN)" -m bench.rules
	"$(RUN)" -m bench.threshold
	"$(RUN)" -m bench.stalls
	"$(RUN)" -m bench.pictures
	"$(RUN)" -m bench.floods
	"$(RUN)" -m bench.gateway
	"$(RUN)" -m bench.pieces
	"$(RUN)" -m bench.generation

lock: $(VENV)/ready
	"$(RUN)" scripts/write_locks.py

clean:
	rm -rf "$(VENV)" "$(VENV)-node" build dist out .mypy_cache .ruff_cache .pytest_cache *.egg-info
