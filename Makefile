# `make rehearse`, `make demo` and `make test` set up everything they need.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin

.PHONY: help rehearse demo test test-servers test-slow test-interop lint bench faults screenshots examples setup clean lock audit
help:
	@echo "make rehearse  a night to take part in: simulated phones and the service; ends with Ctrl-C"
	@echo "make demo   play a whole night against the simulated WeCom cloud"
	@echo "make test   run the suite over SQLite and a directory"
	@echo "make test-servers  run the same suite over PostgreSQL and an S3 server"
	@echo "make test-slow  kills, faults, a real browser, whole provinces: what takes long"
	@echo "make test-interop  the platform's own client libraries against the simulator (needs npm)"
	@echo "make lint   ruff, mypy, import-linter"
	@echo "make audit  check what requirements.lock pins for known vulnerabilities"
	@echo "make bench  measure, and print the tables of docs/performance.md"
	@echo "make screenshots  take the pictures of docs/screenshots (needs Chromium)"
	@echo "make examples  write docs/examples, a filled example of each table"
	@echo "make faults a long random night with every kind of fault (the table of docs/promises.md), then fuzzed callbacks"
	@echo "make setup  only install, into .venv"

.venv/.runtime: requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed, with its venv module" >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	echo "$(CURDIR)" > "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/night_patrol.pth"
	printf '#!/bin/sh\nexec "%s/.venv/bin/python" -m bot "$$@"\n' "$(CURDIR)" > $(BIN)/night-patrol
	chmod +x $(BIN)/night-patrol
	touch $@

.venv/.dev: requirements-dev.lock .venv/.runtime
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

setup: .venv/.dev

rehearse: .venv/.runtime
	$(BIN)/night-patrol rehearse

demo: .venv/.runtime
	$(BIN)/night-patrol demo

test: .venv/.dev
	$(BIN)/python -m pytest -n 2 -m "not server and not slow"

test-servers: .venv/.dev
	$(BIN)/python -m pytest -n 2 -m "server and not slow"

# Needs Chromium and a Chinese font, as `make screenshots` does.
test-slow: .venv/.dev
	$(BIN)/python -m pytest -n 2 -m slow

# The platform's own client libraries against the simulator; needs Node.js and npm.
tests/interop/node_modules: tests/interop/package.json tests/interop/package-lock.json
	cd tests/interop && npm ci --silent
	touch $@

test-interop: .venv/.dev tests/interop/node_modules
	$(BIN)/python -m pytest tests/interop/interop.py

lint: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy bot handlers schedules storage
	$(BIN)/lint-imports --no-cache

# Exit 1 on a known vulnerability; prints NOT DONE if no database can be reached.
audit: .venv/.dev
	$(BIN)/python .ci/audit.py

bench: .venv/.dev
	$(BIN)/python -m tests.bench

faults: .venv/.dev
	$(BIN)/python -m tests.faults
	$(BIN)/python -m tests.fuzz.callbacks --seconds 120

# Needs Chromium and a Chinese font: apt-get install chromium fonts-noto-cjk
screenshots: .venv/.dev
	$(BIN)/python -m tests.browser.screenshots

examples: .venv/.dev
	$(BIN)/python -m tests.browser.examples

# Needs uv; nothing else does.
lock:
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-annotate --no-header -q -o requirements.lock
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes --no-annotate --no-header -q -o requirements-dev.lock

clean:
	rm -rf .venv build *.egg-info
