#!/usr/bin/env sh
# For acme.sh: copy it to ~/.acme.sh/deploy/danecheck.sh, then once
#     acme.sh --deploy -d mx1.example.com --deploy-hook danecheck
# acme.sh remembers the hook, and calls this function after each renewal.

# danecheck_deploy DOMAIN KEY CERTIFICATE CA FULLCHAIN
danecheck_deploy() {
    "${DANECHECK_DEPLOY:-/usr/share/danecheck/renewal/deploy}" "$5" "$2"
}
