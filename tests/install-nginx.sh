#!/bin/sh
# Sees to it that nginx and its stream and mail modules are installed, which
# the tests need. Installs Debian's packages where it can, and says what to do
# elsewhere.
set -eu

modules=/usr/lib/nginx/modules
packages="nginx libnginx-mod-stream libnginx-mod-mail"

complete() {
    command -v nginx >/dev/null 2>&1 &&
        [ -e "$modules/ngx_stream_module.so" ] && [ -e "$modules/ngx_mail_module.so" ]
}

if complete; then
    exit 0
fi
if ! command -v apt-get >/dev/null 2>&1; then
    echo "the tests need nginx with its stream and mail modules in $modules: install them and try again" >&2
    exit 1
fi
as_root=
if [ "$(id -u)" -ne 0 ]; then
    as_root="sudo"
fi
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -q
# shellcheck disable=SC2086
$as_root apt-get install -q -y --no-install-recommends $packages
complete || {
    echo "nginx or its modules are still missing after installing: $packages" >&2
    exit 1
}
