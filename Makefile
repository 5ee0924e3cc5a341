# What a change has to pass: formatting, lints, and all tests.

.PHONY: test nginx bench routes mutants noise reference fixes

test: nginx
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	cargo test --locked

# Some tests ask a real nginx.
nginx:
	@sh tests/install-nginx.sh

bench:
	cargo bench --locked

# 5,000 broken configurations: the verdict of `nginx -t` against ours.
mutants: nginx
	NGINX_LINT_MUTANTS=5000 cargo test --locked --test mutants -- --nocapture

# 500 generated configurations with 20 requests each: `route` against a real nginx.
routes: nginx
	NGINX_LINT_ROUTES=500 cargo test --locked --test route

# What rules say on real configurations: `make noise RULES=max-conns-without-zone`.
noise:
	@NGINX_LINT_RULES=$(RULES) cargo test --locked --test corpus -- --ignored --nocapture what_rules_say

# Brings rules/README.md and the schema of nginx-lint.toml up to date.
reference:
	NGINX_LINT_UPDATE=1 cargo test --locked --test reference
	NGINX_LINT_UPDATE=1 cargo test --locked --test gate the_schema

# What fixes make of real configurations, in numbers.
fixes: nginx
	cargo test --locked --test fixes -- --nocapture
