# SPDX-License-Identifier: GPL-2.0-only
# "make help" says what there is.

VERSION := $(shell sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf)
KERNEL ?= 6.1
SOAK ?= 3600
PREFIX ?= /usr/local
DKMS_SOURCE := /usr/src/tamalloc-$(VERSION)
UDEV_RULES := /etc/udev/rules.d

help:
	@echo 'On this machine, changing nothing but installing Debian packages:'
	@echo '  demo            what it is: in a virtual machine, on kernel $(KERNEL)'
	@echo '  check           the tests, on kernel $(KERNEL)'
	@echo '  check-kernels   the tests, on all supported kernels (tools/kernels.list)'
	@echo '  check-debug     the tests, on a kernel that looks for mistakes: KASAN,'
	@echo '                  lockdep, kmemleak and more, compiled first; static checks'
	@echo '  check-debug-7.x the same, on the newest; check-kcsan: the same, for data races'
	@echo '  soak            an hour (SOAK=$(SOAK) seconds) of random calls, and stress-ng'
	@echo '  bench           against what people use now, on kernels 6.1 and 7.x: tables,'
	@echo '                  limits, plots in build/bench; 15 minutes'
	@echo '  report          one page of all that, with profiles: build/report.html; a'
	@echo '                  quarter of an hour, seconds where it is measured already'
	@echo '                  (REBENCH=1: measure again)'
	@echo '  lint            static checks of everything: tests/lint'
	@echo 'Building:'
	@echo '  module          module/tamalloc.ko, for the running kernel or KDIR='
	@echo '  lib tools       libtamalloc; tamstat, tambench and the demos'
	@echo '  clean'
	@echo 'Installing, as root:'
	@echo '  install         the library, tamstat (PREFIX=$(PREFIX), DESTDIR=, LIBDIR=)'
	@echo '  dkms-install    the module, for this kernel (or KVER=) and those to come'
	@echo '  dkms-uninstall  take it out again'
	@echo 'Variables: KERNEL (of demo, check, soak), KDIR, CC, LLVM=1, DESTDIR, PREFIX'

module:
	$(MAKE) -C module

lib:
	$(MAKE) -C libtamalloc

tools: lib
	$(MAKE) -C tools

tests: lib
	$(MAKE) -C tests

demo:
	tools/need build vm
	$(MAKE) -C tools demos
	tools/tamvm -k $(KERNEL) -- tools/demo

check:
	tools/need build tools vm test
	$(MAKE) -j$$(nproc) tools tests
	tests/check $(KERNEL)

check-kernels:
	tools/need build tools vm test
	$(MAKE) -j$$(nproc) tools tests
	tests/check --all $(CHECKED)

check-debug check-debug-7.x check-kcsan:
	tools/need build tools vm test lint
	$(MAKE) -j$$(nproc) tools tests
	tests/check $(@:check-%=%)

soak:
	tools/need build tools vm test
	$(MAKE) -j$$(nproc) tools tests
	tests/soak $(SOAK) $(KERNEL)

# Counts of instructions do not depend on what else runs; times do.
bench:
	tools/need build tools vm bench
	$(MAKE) lib
	$(MAKE) -C tools tambench
	tools/bench run icount 6.1 & \
	tools/bench run icount 7.x && wait $$!
	tools/bench run time 6.1
	tools/bench show

report:
	tools/need build tools vm bench
	$(MAKE) lib
	REBENCH=$(REBENCH) tools/report

lint:
	tools/need build tools vm lint
	tests/lint

install: lib
	$(MAKE) -C libtamalloc install
	$(MAKE) -C tools/tamstat install
	@test -n "$(DESTDIR)" || ldconfig || echo 'now run ldconfig as root'

dkms-install:
	! dkms status -m tamalloc -v $(VERSION) | grep -q . || $(MAKE) dkms-uninstall
	install -d $(DKMS_SOURCE)/module/uapi
	install -m 644 dkms.conf $(DKMS_SOURCE)
	install -m 644 $(filter-out %.mod.c,$(wildcard module/*.[ch])) module/Kbuild module/Makefile $(DKMS_SOURCE)/module
	install -m 644 module/uapi/*.h $(DKMS_SOURCE)/module/uapi
	dkms add -m tamalloc -v $(VERSION)
	dkms install -m tamalloc -v $(VERSION) $(if $(KVER),-k $(KVER))
	install -D -m 644 module/60-tamalloc.rules $(UDEV_RULES)/60-tamalloc.rules
	@echo 'Installed. Load it: modprobe tamalloc; at every start: echo tamalloc >/etc/modules-load.d/tamalloc.conf'

dkms-uninstall:
	dkms remove -m tamalloc -v $(VERSION) --all
	rm -rf $(DKMS_SOURCE) $(UDEV_RULES)/60-tamalloc.rules

clean:
	$(MAKE) -C module clean
	$(MAKE) -C libtamalloc clean
	$(MAKE) -C tools clean
	$(MAKE) -C tests clean
	rm -rf build

.PHONY: help module lib tools tests demo bench report check check-kernels check-debug \
	check-debug-7.x check-kcsan soak lint install dkms-install dkms-uninstall clean
