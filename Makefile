# What a change has to pass: formatting, lints, and all tests.

.PHONY: test nginx bench

test: nginx
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	cargo test --locked

# Some tests ask a real nginx.
nginx:
	@sh tests/install-nginx.sh

bench:
	cargo bench --locked
