# Every target is one command a person would type; the scripts hold the how.
.DEFAULT_GOAL := help
.PHONY: help setup demo test lint fmt build ui clean-demo eval bench

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install and prepare everything that is missing
	@scripts/setup.sh

demo: ## two demo cameras and Louver recording them, at http://127.0.0.1:8470
	@scripts/demo.sh

test: ## set up, then every check and test
	@scripts/test.sh

lint: ## the checks of `make test` that run nothing
	@scripts/test.sh --lint

fmt: ## format the Rust code
	@cargo fmt --all

build: ## the release binary, target/release/louver
	@scripts/setup.sh --demo
	@scripts/build_ui.sh
	@cargo build --release -p louver

ui: ## the page alone, into ui/dist
	@scripts/setup.sh --demo
	@scripts/build_ui.sh

clean-demo: ## forget the demo's settings, keys and recordings
	@rm -rf .demo

eval: ## how well people are masked, on the demo clip (EVALUATION.md)
	@scripts/eval.sh

bench: ## what recording, masking a picture and masking a file cost
	@bench/run.sh
	@bench/see.sh
	@bench/redact.sh
	@bench/ledger.sh
	@bench/open.sh
