# Everything happens in .venv; nothing else on the machine is touched.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
STAMP = $(VENV)/.installed

# Where `make install` puts things; DESTDIR goes before all of it, for packages.
PREFIX ?= /usr/local
SYSCONFDIR ?= /etc
UNITDIR ?= $(PREFIX)/lib/systemd/system
ENABLED ?= /etc/systemd/system
ZSHDIR ?= $(PREFIX)/share/zsh/site-functions
# FreeSWITCH's conf/dialplan. A FreeSWITCH from source has it in /usr/local/freeswitch/conf/dialplan.
DIALPLAN ?= $(SYSCONFDIR)/freeswitch/dialplan
LIB = $(PREFIX)/lib/fsdaemon
SHARE = $(PREFIX)/share
DOC = $(SHARE)/doc/fsdaemon
CONF = $(SYSCONFDIR)/fsdaemon/conf.toml
CONTEXT = $(SHARE)/fsdaemon/freeswitch/dialplan/fsdaemon.xml
LINK = $(DIALPLAN)/fsdaemon.xml
SPACE := $(subst ,, )
# What the daemon looks for by itself need not stand in the units.
CONFIG = $(if $(filter-out /etc,$(SYSCONFDIR)),$(SPACE)--config $(CONF))
UNITS = $(foreach kind,service socket,fsdaemon.$(kind) fsdaemon@.$(kind))
TOOLS = build/tools

.PHONY: demo test lint live bench soak install debian _venv _debian _files _link uninstall deb clean

demo: $(STAMP)
	$(BIN)/python -m tests.demo

test: $(STAMP)
	$(BIN)/python -m pytest

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The tests on a real FreeSWITCH with real phones: FREESWITCH=/path/to/freeswitch make live
live: $(STAMP)
	$(BIN)/pip install --quiet --editable '.[live]'
	$(BIN)/python -m pytest tests/live

# fsdaemon beside its peers, in one run; with FREESWITCH set also the post-dial delay through it, and with
# FREESWITCH_VANILLA also what our dialplan costs on the example configuration.
bench: $(STAMP)
	$(BIN)/pip install --quiet --editable '.[bench]'
	$(BIN)/python -m bench --out bench/out
	test -z "$$FREESWITCH" || $(BIN)/python -m bench --fs --out bench/out
	@test -z "$$FREESWITCH" || test -n "$$FREESWITCH_VANILLA" || echo "no FREESWITCH_VANILLA: --dialplan is left out" >&2
	test -z "$$FREESWITCH" || test -z "$$FREESWITCH_VANILLA" || $(BIN)/python -m bench --dialplan --out bench/out

# A week in an hour, through a real FreeSWITCH; CALLS=200 SESSIONS=10000 for less, ARGS='--seed N' for the rest.
CALLS ?= 20000
SESSIONS ?= 1000000
soak: $(STAMP)
	$(BIN)/python -m bench.soak --calls $(CALLS) --sessions $(SESSIONS) $(ARGS)

# What the libraries bring and nothing here uses.
UNUSED = phonenumbers/geodata phonenumbers/carrierdata phonenumbers/tzdata phonenumbers/geocoder.py \
    phonenumbers/carrier.py phonenumbers/timezone.py phonenumbers/prefix.py gevent/tests
SOURCES = *.pyi *.c *.cpp *.h *.pxd *.pyx

# A virtual environment in $(LIB), without pip and with .pyc, and what belongs to it. A conf.toml that is
# there stays. umask: the daemon runs as nobody in particular, and has to read all of it.
install: $(TOOLS)/.installed
	umask 022 && $(MAKE) --no-print-directory _venv _files
	@test -n "$(DESTDIR)" || $(MAKE) --no-print-directory _link

# The same on Debian's own libraries, for its package: in $(LIB) is what Debian lacks, or has with more than is used.
debian: $(TOOLS)/.installed
	umask 022 && $(MAKE) --no-print-directory _debian _files

_venv:
	rm -rf build/lib "$(DESTDIR)$(LIB)"
	$(PYTHON) -m venv --without-pip "$(DESTDIR)$(LIB)"
	$(TOOLS)/bin/pip --python "$(DESTDIR)$(LIB)/bin/python" install --quiet --no-compile .
	find "$(DESTDIR)$(LIB)/bin" -type f ! -name fsdaemon -delete
	cd "$(DESTDIR)$(LIB)"/lib/python*/site-packages && rm -rf $(UNUSED) *.dist-info/direct_url.json
	find "$(DESTDIR)$(LIB)/lib" -type f \( $(patsubst %,-name '%' -o,$(SOURCES)) -false \) -delete
	sed -i 's|$(abspath $(DESTDIR)$(LIB))|$(LIB)|g' "$(DESTDIR)$(LIB)/pyvenv.cfg" "$(DESTDIR)$(LIB)/bin/fsdaemon"
	"$(DESTDIR)$(LIB)/bin/python" -m compileall -q -s "$(abspath $(DESTDIR)/)" -p / --invalidation-mode checked-hash "$(abspath $(DESTDIR)$(LIB))"
	install -d "$(DESTDIR)$(PREFIX)/bin"
	ln -sfn ../lib/fsdaemon/bin/fsdaemon "$(DESTDIR)$(PREFIX)/bin/fsdaemon"

_debian:
	rm -rf build/lib "$(DESTDIR)$(LIB)"
	$(TOOLS)/bin/pip install --quiet --no-compile --no-deps --target "$(DESTDIR)$(LIB)" . greenswitch phonenumbers rich
	cd "$(DESTDIR)$(LIB)" && rm -rf $(UNUSED) bin *.dist-info/direct_url.json
	find "$(DESTDIR)$(LIB)" -type f \( $(patsubst %,-name '%' -o,$(SOURCES)) -false \) -delete
	install -D -m 755 debian/launcher "$(DESTDIR)$(PREFIX)/bin/fsdaemon"

_files:
	$(TOOLS)/bin/python -m manual build/manual
	install -d "$(DESTDIR)$(UNITDIR)" "$(DESTDIR)$(dir $(CONF))"
	test -e "$(DESTDIR)$(CONF)" || install -m 644 conf.toml "$(DESTDIR)$(CONF)"
	for kind in service socket; do \
	    unit="$(DESTDIR)$(UNITDIR)/fsdaemon"; \
	    sed 's,/usr/bin/fsdaemon \(serve\|check\),$(PREFIX)/bin/fsdaemon \1$(CONFIG),' \
	        systemd/fsdaemon.$$kind > "$$unit.$$kind" && \
	    sed -f systemd/instance.sed "$$unit.$$kind" > "$$unit@.$$kind" || exit 1; \
	done
	install -D -m 644 debian/fsdaemon.logrotate "$(DESTDIR)$(SYSCONFDIR)/logrotate.d/fsdaemon"
	install -D -m 644 build/manual/fsdaemon.1 "$(DESTDIR)$(SHARE)/man/man1/fsdaemon.1"
	install -D -m 644 build/manual/fsdaemon.conf.5 "$(DESTDIR)$(SHARE)/man/man5/fsdaemon.conf.5"
	install -D -m 644 build/manual/fsdaemon-dialplan.7 "$(DESTDIR)$(SHARE)/man/man7/fsdaemon-dialplan.7"
	install -D -m 644 build/manual/fsdaemon.bash "$(DESTDIR)$(SHARE)/bash-completion/completions/fsdaemon"
	install -D -m 644 build/manual/_fsdaemon "$(DESTDIR)$(ZSHDIR)/_fsdaemon"
	install -D -m 644 build/manual/fsdaemon.fish "$(DESTDIR)$(SHARE)/fish/vendor_completions.d/fsdaemon.fish"
	rm -rf "$(DESTDIR)$(SHARE)/fsdaemon" "$(DESTDIR)$(DOC)"
	install -d "$(DESTDIR)$(SHARE)/fsdaemon" "$(DESTDIR)$(DOC)"
	cp -R freeswitch "$(DESTDIR)$(SHARE)/fsdaemon/"
	cp -R README*.md CHANGELOG.md conf.toml docs "$(DESTDIR)$(DOC)/"

# The context where FreeSWITCH finds it. A file of that name that is there stays.
_link:
	@if test ! -d "$(DIALPLAN)"; then echo "now: ln -s $(CONTEXT) into FreeSWITCH's conf/dialplan/; no $(DIALPLAN) here"; \
	elif test -e "$(LINK)" || test -L "$(LINK)"; then \
	    test "$$(readlink "$(LINK)")" = "$(CONTEXT)" || echo "left: $(LINK), which is not ours; ours is $(CONTEXT)"; \
	else ln -s "$(CONTEXT)" "$(LINK)" && echo "linked: $(LINK)"; fi

# Everything but the configuration. Not under systemd's feet: what starts with the machine is named first.
uninstall:
	@units=$$(test -n "$(DESTDIR)" || find "$(ENABLED)" -lname '$(UNITDIR)/fsdaemon*' -printf ' %f' 2>/dev/null); \
	test -z "$$units" || { echo "first: systemctl disable --now$$units" >&2; exit 1; }
	rm -rf "$(DESTDIR)$(LIB)" "$(DESTDIR)$(SHARE)/fsdaemon" "$(DESTDIR)$(DOC)"
	rm -f "$(DESTDIR)$(PREFIX)/bin/fsdaemon" $(UNITS:%="$(DESTDIR)$(UNITDIR)/%")
	rm -f "$(DESTDIR)$(SYSCONFDIR)/logrotate.d/fsdaemon"
	rm -f "$(DESTDIR)$(SHARE)/man/man1/fsdaemon.1" "$(DESTDIR)$(SHARE)/man/man5/fsdaemon.conf.5"
	rm -f "$(DESTDIR)$(SHARE)/man/man7/fsdaemon-dialplan.7"
	rm -f "$(DESTDIR)$(SHARE)/bash-completion/completions/fsdaemon" "$(DESTDIR)$(ZSHDIR)/_fsdaemon"
	rm -f "$(DESTDIR)$(SHARE)/fish/vendor_completions.d/fsdaemon.fish"
	@test -n "$(DESTDIR)" || test "$$(readlink "$(LINK)")" != "$(CONTEXT)" || rm "$(LINK)"
	@echo "left: $(DESTDIR)$(dir $(CONF))"
	@test -n "$(DESTDIR)" || echo "now: systemctl daemon-reload"

# dist/fsdaemon_VERSION-1~debRELEASE_all.deb and fsdaemon-dialplan_…, by Debian's own tools in a copy of this folder.
deb:
	debian/make-deb

$(TOOLS)/.installed: setup.py
	$(PYTHON) -m venv $(TOOLS) || { echo "no venv for $(PYTHON): on Debian, apt install python3-venv" >&2; exit 1; }
	$(TOOLS)/bin/pip install --quiet --disable-pip-version-check --upgrade pip
	rm -rf build/lib
	$(TOOLS)/bin/pip install --quiet '.[manual]'
	touch $@

$(STAMP): setup.py pyproject.toml
	$(PYTHON) -m venv $(VENV) || { echo "no venv for $(PYTHON): on Debian, apt install python3-venv" >&2; exit 1; }
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
