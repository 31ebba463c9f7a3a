# SPDX-License-Identifier: BSD-3-Clause
# One file, no recursion. Source lists are explicit; STARTER_SRCS is the audit list of the privileged program.

VERSION := 4.5.0+c.0.1.0
PREFIX ?= /usr/local
SYSCONFDIR ?= $(PREFIX)/etc
LOCALSTATEDIR ?= $(PREFIX)/var
LIBEXECDIR ?= $(PREFIX)/libexec
BINDIR ?= $(PREFIX)/bin
MANDIR ?= $(PREFIX)/share/man
DESTDIR ?=
WITH_SUID ?= 0
BUILD ?= build
# One name for one tree: the dependencies in .d files hold for names as they were written.
override BUILD := $(patsubst $(CURDIR)/%,%,$(abspath $(BUILD)))
CI ?=

CC ?= cc
CFLAGS ?= -O2 -g
WARNINGS := -Wall -Wextra -Wshadow -Wvla -Walloca -Wformat=2 -Wconversion -Wcast-qual -Wcast-align -Wwrite-strings \
	-Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wundef -Wnull-dereference \
	-Wimplicit-fallthrough -Wswitch-enum -Wframe-larger-than=16384
GCC_WARNINGS := -Wduplicated-cond -Wlogical-op -Wformat-truncation=2 -Wformat-overflow=2
HARDENING := -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fPIE -fstack-protector-strong -fstack-clash-protection \
	-fno-strict-overflow -fno-strict-aliasing -fno-delete-null-pointer-checks -fno-common -fvisibility=hidden \
	-ffunction-sections -fdata-sections
LINK_HARDENING := -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code -Wl,--as-needed -Wl,--gc-sections

# Probed once: flags that this compiler and machine know.
probe = $(shell printf 'int main(void){return 0;}' | $(CC) -Werror $(1) -x c - -o /dev/null 2>/dev/null && echo '$(1)')
ifeq ($(SANITIZE),)
HARDENING += $(call probe,-fcf-protection=full) $(call probe,-ftrivial-auto-var-init=zero) \
	$(call probe,-fzero-call-used-regs=used-gpr) $(call probe,-fstrict-flex-arrays=3)
endif
WARNINGS += $(foreach w,$(GCC_WARNINGS),$(call probe,$(w)))
ifeq ($(CI),true)
WARNINGS += -Werror
endif

SANITIZE ?=
ifneq ($(SANITIZE),)
HARDENING := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
LINK_HARDENING :=
endif

OBJ := $(BUILD)/obj
GEN := $(BUILD)/gen
LIBEXEC_BIN := $(BUILD)/libexec/singularity/bin
CONFDIR_BUILD := $(BUILD)/etc/singularity

CPPFLAGS += -std=gnu11 -D_GNU_SOURCE -I. -I$(GEN)
DEFINES := -DSINGULARITY_VERSION='"$(VERSION)"'
# Where it will be installed: known to PLACED_SRCS alone, which are built anew when a place changes.
PLACES := -DSINGULARITY_PREFIX='"$(PREFIX)"' \
	-DSINGULARITY_BINDIR='"$(BINDIR)"' -DSINGULARITY_LIBEXECDIR='"$(LIBEXECDIR)"' \
	-DSINGULARITY_SYSCONFDIR='"$(SYSCONFDIR)"' -DSINGULARITY_LOCALSTATEDIR='"$(LOCALSTATEDIR)"'

# ---- sources ---------------------------------------------------------------------------------------------------------
LAUNCH_PB := ipc/launch.pb-c.c

IPC_STARTER_SRCS := ipc/err.c ipc/log.c ipc/plan.c ipc/plan_decode.c ipc/channel.c
# What only the sending side needs; the starters do not link it.
IPC_FRONTEND_SRCS := ipc/fuse_spawn.c ipc/plan_plain.c ipc/plan_encode.c ipc/plan_init.c ipc/channel_send.c ipc/log_encode.c
POLICY_FRONTEND_SRCS := policy/conf_frontend.c
POLICY_SRCS := policy/conf.c policy/conf_file.c policy/policy.c policy/facts.c policy/account_file.c
STARTER_SRCS := starter/main.c starter/sanitize.c starter/privs.c starter/record.c starter/namespaces.c \
	starter/sys.c starter/resolve.c starter/mnt.c starter/loop.c starter/image_mount.c \
	starter/session.c starter/layer.c starter/underlay.c starter/binds.c starter/seccomp.c starter/exec.c starter/init.c
# Headers without a source of their own.
STARTER_HEADERS := ipc/cleanup_fd.h ipc/limits.h policy/directives.h starter/flavour.h starter/stage.h
FLAVOUR_PLAIN := starter/flavour_plain.c starter/privs_plain.c starter/idmap.c starter/mnt_legacy.c starter/layer_points.c \
	starter/seccomp_root.c starter/chrooted.c starter/fuse_server.c starter/fuse_program.c starter/rung.c \
	starter/ladders.c ipc/fuse_spawn.c ipc/plan_plain.c
# Runs where namespaces and mounts are refused; written for one machine, refused by a line on others.
ifeq ($(filter x86_64-%,$(shell $(CC) -dumpmachine)),)
CONFINED_SRCS := starter/confined/unsupported.c starter/confined/path.c
PATH_LOADER :=
else
PATH_LOADER := $(LIBEXEC_BIN)/path-loader
CONFINED_SRCS := starter/confined/supervise.c starter/confined/calls.c starter/confined/program.c starter/confined/proc.c \
	starter/confined/tracee.c starter/confined/filter.c starter/confined/view.c starter/confined/path.c
endif
FLAVOUR_SETUID := starter/flavour_setuid.c starter/privs_setuid.c

FUSE_SRCS := starter/fuse/squashfs_server.c starter/fuse/confine.c starter/fuse/fuse_protocol.c \
	starter/fuse/squash_image.c starter/fuse/file_read.c starter/fuse/decompress.c

ACTION_SRCS := frontend/action/main.c frontend/action/account_lines.c frontend/action/read_ahead.c frontend/action/script.c frontend/action/shell_eval.c \
	frontend/action/shell_word.c frontend/action/shell_builtin.c frontend/action/shell_host.c frontend/action/spec.c \
	frontend/action/run.c frontend/strlist.c frontend/image/arch.c frontend/pack/elf_read.c

FRONTEND_SRCS := frontend/main.c frontend/cli.c frontend/cli_commands.c frontend/cli_csv.c frontend/cli_help.c \
	frontend/cli_options.c frontend/cli_value.c frontend/inspect.c \
	frontend/run_help.c frontend/doctor.c frontend/doctor_print.c \
	frontend/settings/install.c frontend/settings/configuration.c frontend/settings/program.c \
	frontend/image/image.c frontend/image/arch.c frontend/image/bytes.c frontend/image/sif.c frontend/image/sif_layout.c frontend/image/probe.c frontend/image/attributes.c \
	frontend/launch/launch.c frontend/launch/host.c frontend/launch/attempt.c frontend/launch/id_map.c frontend/launch/ladder.c \
	frontend/launch/engine.c frontend/launch/bind.c frontend/launch/account.c \
	policy/capability.c \
	frontend/launch/plan_build.c frontend/launch/confined.c frontend/launch/images.c frontend/launch/mounts.c frontend/launch/mount_list.c \
	frontend/launch/user_dirs.c frontend/launch/user_binds.c frontend/launch/identity.c frontend/launch/seccomp_filter.c \
	frontend/launch/plan_print.c frontend/launch/env.c frontend/launch/tmp_sandbox.c frontend/launch/child.c frontend/launch/remote_image.c frontend/launch/outer.c frontend/launch/hand_down.c \
	frontend/action/spec.c frontend/action/shell_eval.c frontend/action/shell_word.c frontend/action/shell_builtin.c \
	frontend/action/shell_host.c frontend/action/script.c frontend/strlist.c

# Names of users: the host's programs ask libc; those for images are static and read /etc.
NAMES_LIBC := frontend/launch/name_service_libc.c
NAMES_FILES := frontend/launch/name_service_files.c

IMAGER_SRCS := frontend/imager.c frontend/settings/install.c frontend/settings/configuration.c frontend/settings/program.c \
	policy/conf.c policy/conf_file.c policy/conf_frontend.c frontend/cli_csv.c \
	frontend/image/image.c frontend/image/arch.c frontend/image/bytes.c frontend/image/sif.c frontend/image/sif_layout.c frontend/image/probe.c frontend/image/squash_read.c \
	frontend/seccomp_profile.c policy/capability.c \
	frontend/pack/sif_write.c frontend/pack/tree.c frontend/pack/squash_file.c frontend/pack/squash_write.c \
	frontend/pack/squash_tree.c frontend/pack/deflate.c frontend/pack/elf_read.c frontend/pack/hotset.c \
	frontend/pack/scan.c frontend/pack/base_files.c frontend/pack/metadata.c frontend/pack/build_sif.c \
	frontend/pack/target.c frontend/pack/build.c frontend/pack/extract.c frontend/pack/tree_unpack.c \
	frontend/oci/manifest.c frontend/oci/config.c frontend/oci/source.c frontend/oci/layout.c frontend/oci/archive.c \
	frontend/oci/members.c frontend/oci/spool.c frontend/oci/layer.c frontend/oci/merge.c frontend/oci/convert.c frontend/oci/daemon.c \
	frontend/registry/digest.c frontend/registry/url.c frontend/registry/http.c frontend/registry/trust_store.c frontend/registry/reference.c \
	frontend/registry/auth.c frontend/registry/docker_config.c frontend/registry/credential_helper.c \
	frontend/registry/registry.c frontend/registry/registry_commands.c \
	frontend/strlist.c \
	frontend/settings/user_dir.c frontend/settings/cache.c frontend/settings/cache_owner.c frontend/settings/cache_command.c \
	frontend/pull/options.c frontend/pull/interrupt.c frontend/pull/layers.c frontend/pull/into_file.c frontend/pull/transport.c \
	frontend/pull/from_oci.c frontend/pull/from_oras.c frontend/pull/from_http.c frontend/pull/from_shub.c frontend/pull/from_library.c \
	frontend/pull/pull.c frontend/pull/push.c frontend/pull/resolve.c frontend/ui/progress.c \
	frontend/settings/remote.c frontend/settings/remote_yaml.c frontend/ui/prompt.c frontend/ui/table.c policy/conf.c policy/conf_file.c policy/conf_frontend.c \
	frontend/library/library_ref.c frontend/library/endpoint.c frontend/library/library_api.c frontend/library/library_parts.c \
	frontend/library/library_oci.c frontend/library/library_pull.c frontend/library/library_upload.c frontend/library/library_push.c \
	frontend/library/remote_options.c frontend/library/remote_commands.c frontend/library/keyserver_commands.c \
	frontend/library/library_commands.c \
	frontend/sif/sif_names.c frontend/sif/sif_print.c frontend/sif/sif_edit.c frontend/sif/sif_edit_copy.c frontend/sif/sif_add.c \
	frontend/sif/sif_tool.c frontend/sif/overlay_fs.c frontend/sif/overlay_create.c
IMAGER_LIBS := -lsquashfs -ldeflate -lz -lzstd -llzma -llz4 -ljansson -lyaml -lseccomp -larchive -lcrypto -lpthread
IMAGER_STATIC_LIBS := -l:libsquashfs.a -l:libarchive.a -l:libdeflate.a -l:libz.a -l:libzstd.a -l:liblzma.a -l:liblzo2.a -l:liblz4.a \
	-l:libbz2.a -l:libjansson.a -l:libyaml.a -l:libseccomp.a -l:libcurl.a -l:libssl.a -l:libcrypto.a -l:libz.a -l:libzstd.a -lpthread

# libcurl is loaded when it is needed, or linked in. The host's programs load what its configuration names; those for images do not
# follow an image's.
IMAGER_SHARED := frontend/registry/curl_shared.c frontend/libraries_shared.c $(NAMES_LIBC)
IMAGER_STATIC := frontend/registry/curl_static.c frontend/libraries_static.c $(NAMES_FILES)

PLACED_SRCS := frontend/cli_options.c frontend/settings/install.c starter/flavour_setuid.c

# ---- rules -----------------------------------------------------------------------------------------------------------
PROGRAMS := $(BUILD)/bin/singularity $(BUILD)/bin/run-singularity $(LIBEXEC_BIN)/imager $(LIBEXEC_BIN)/starter \
	$(LIBEXEC_BIN)/starter-suid $(LIBEXEC_BIN)/squashfs-server $(LIBEXEC_BIN)/action $(PATH_LOADER) $(CONFDIR_BUILD)/singularity.conf $(CONFDIR_BUILD)/remote.yaml

.PHONY: all clean
all: $(PROGRAMS)

obj = $(addprefix $(OBJ)/,$(1:.c=.o))
# One short line for each step; V=1 shows the commands, make -s nothing.
show = $(if $(V),,@$(if $(findstring s,$(firstword -$(MAKEFLAGS))),,echo "  $(1) $@";))
GEN_HEADERS := $(GEN)/ipc/launch.pb-c.h
PB_OBJS := $(OBJ)/gen/ipc/launch.pb-c.o

$(GEN)/ipc/%.pb-c.c $(GEN)/ipc/%.pb-c.h: ipc/%.proto
	@mkdir -p $(@D)
	$(call show,GEN)protoc-c --c_out=$(GEN) $<

$(OBJ)/gen/%.o: $(GEN)/%.c
	@mkdir -p $(@D)
	$(call show,CC)$(CC) $(CPPFLAGS) $(CFLAGS) $(HARDENING) -c -o $@ $<

.PHONY: force
$(GEN)/places: force
	@mkdir -p $(@D)
	@echo '$(PLACES)' | cmp -s - $@ || echo '$(PLACES)' >$@
$(call obj,$(PLACED_SRCS)): DEFINES += $(PLACES)
$(call obj,$(PLACED_SRCS)): $(GEN)/places

$(OBJ)/%.o: %.c | $(GEN_HEADERS)
	@mkdir -p $(@D)
	$(call show,CC)$(CC) $(CPPFLAGS) $(DEFINES) $(CFLAGS) $(HARDENING) $(WARNINGS) -MMD -MP -c -o $@ $<

# libsquashfuse puts its own config.h over ours and is not clean under the strict set.
$(OBJ)/starter/fuse/%.o: starter/fuse/%.c
	@mkdir -p $(@D)
	$(call show,CC)$(CC) $(CPPFLAGS) $(DEFINES) $(CFLAGS) $(HARDENING) -Wall -Wextra -MMD -MP -c -o $@ $<

STATIC := $(if $(SANITIZE),,-static-pie)

$(LIBEXEC_BIN)/starter: $(call obj,$(STARTER_SRCS) $(FLAVOUR_PLAIN) $(CONFINED_SRCS) $(IPC_STARTER_SRCS) $(POLICY_SRCS))
	@mkdir -p $(@D)
	$(call show,LD)$(CC) $(CFLAGS) $(HARDENING) $(LINK_HARDENING) $(STATIC) -o $@ $^
$(LIBEXEC_BIN)/starter-suid: $(call obj,$(STARTER_SRCS) $(FLAVOUR_SETUID) $(IPC_STARTER_SRCS) $(POLICY_SRCS))
	@mkdir -p $(@D)
	$(call show,LD)$(CC) $(CFLAGS) $(HARDENING) $(LINK_HARDENING) $(STATIC) -o $@ $^
# Freestanding: what it maps must find nothing of it in the way.
LOADER_FLAGS := -ffreestanding -fno-builtin -fno-stack-protector -fcf-protection=none -fPIE -fvisibility=hidden \
	-fno-asynchronous-unwind-tables -nostdlib -nostartfiles -static-pie -Wl,--no-dynamic-linker -Wl,-z,norelro \
	-Wl,-z,noexecstack -Wl,--build-id=none
$(LIBEXEC_BIN)/path-loader: starter/confined/loader.c starter/confined/loader.h
	@mkdir -p $(@D)
	$(call show,LD)$(CC) -std=gnu11 -D_GNU_SOURCE -I. -O2 $(WARNINGS) $(LOADER_FLAGS) -o $@ $<
$(LIBEXEC_BIN)/squashfs-server: $(call obj,$(FUSE_SRCS))
	@mkdir -p $(@D)
	$(call show,LD)$(CC) $(CFLAGS) $(HARDENING) $(LINK_HARDENING) $(STATIC) -o $@ $^ -l:libsquashfuse.a -l:libdeflate.a -l:libz.a -l:liblzma.a \
		-l:liblzo2.a -l:liblz4.a -l:libzstd.a -lpthread
$(LIBEXEC_BIN)/action: $(call obj,$(ACTION_SRCS) ipc/err.c ipc/log.c ipc/channel.c)
	@mkdir -p $(@D)
	$(call show,LD)$(CC) $(CFLAGS) $(HARDENING) $(LINK_HARDENING) $(STATIC) -o $@ $^ -l:libprotobuf-c.a
$(BUILD)/bin/singularity: $(call obj,$(FRONTEND_SRCS) $(NAMES_LIBC) $(IPC_FRONTEND_SRCS) $(IPC_STARTER_SRCS) $(POLICY_SRCS) \
		$(POLICY_FRONTEND_SRCS)) $(PB_OBJS)
	@mkdir -p $(@D)
	$(call show,LD)$(CC) $(CFLAGS) $(HARDENING) -pie $(LINK_HARDENING) -o $@ $^ -l:libprotobuf-c.a -l:libjansson.a -l:libcap.a
$(LIBEXEC_BIN)/imager: $(call obj,$(IMAGER_SRCS) $(IMAGER_SHARED) ipc/err.c ipc/log.c ipc/channel.c)
	@mkdir -p $(@D)
	$(call show,LD)$(CC) $(CFLAGS) $(HARDENING) -pie $(LINK_HARDENING) -o $@ $^ $(IMAGER_LIBS)

# The same two for images of any kind, which need not have our libraries, nor a libc at all.
$(BUILD)/static/singularity: $(call obj,$(FRONTEND_SRCS) $(NAMES_FILES) $(IPC_FRONTEND_SRCS) $(IPC_STARTER_SRCS) $(POLICY_SRCS) \
		$(POLICY_FRONTEND_SRCS)) $(PB_OBJS)
	@mkdir -p $(@D)
	$(call show,LD)$(CC) $(CFLAGS) $(HARDENING) $(LINK_HARDENING) $(STATIC) -o $@ $^ -l:libprotobuf-c.a -l:libjansson.a -l:libcap.a
$(GEN)/curl_absent.c: frontend/registry/curl_absent.sh
	@mkdir -p $(@D)
	$(call show,GEN)$< "$$($(CC) -print-file-name=libcurl.a)" >$@.new && mv $@.new $@
# The linker warns of libc and OpenSSL loading modules: libraries_static.c sees to that.
$(BUILD)/static/imager: $(call obj,$(IMAGER_SRCS) $(IMAGER_STATIC) ipc/err.c ipc/log.c ipc/channel.c) $(OBJ)/gen/curl_absent.o
	@mkdir -p $(@D)
	$(call show,LD)$(CC) $(CFLAGS) $(HARDENING) $(LINK_HARDENING) $(STATIC) $(call probe,-Xlinker --no-warnings) -o $@ $^ $(IMAGER_STATIC_LIBS)
$(BUILD)/bin/run-singularity: frontend/run-singularity.sh
	@mkdir -p $(@D)
	@install -m 0755 $< $@
$(CONFDIR_BUILD)/%: etc/%
	@mkdir -p $(@D)
	@install -m 0644 $< $@

clean:
	rm -rf $(BUILD)

-include $(shell find $(OBJ) -name '*.d' 2>/dev/null)

# ---- tests -----------------------------------------------------------------------------------------------------------
# One cmocka program per module, linked with everything but the mains.
UNIT_TESTS := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(wildcard tests/unit/test_*.c))
TESTED_SRCS := $(sort $(filter-out frontend/main.c frontend/imager.c frontend/action/main.c starter/main.c,\
	$(FRONTEND_SRCS) $(IMAGER_SRCS) $(ACTION_SRCS) $(IPC_STARTER_SRCS) $(IPC_FRONTEND_SRCS) $(POLICY_SRCS) \
	$(POLICY_FRONTEND_SRCS) $(STARTER_SRCS) $(FLAVOUR_PLAIN) $(CONFINED_SRCS) $(IMAGER_SHARED)))
TEST_LIBS := -l:libprotobuf-c.a -l:libjansson.a -l:libcap.a $(IMAGER_LIBS) -lcmocka

$(BUILD)/libtested.a: $(call obj,$(TESTED_SRCS)) $(PB_OBJS)
	@rm -f $@
	$(call show,AR)ar rcs $@ $^
$(BUILD)/tests/%: tests/unit/%.c $(BUILD)/libtested.a
	@mkdir -p $(@D)
	$(call show,LD)$(CC) $(CPPFLAGS) $(DEFINES) $(PLACES) $(CFLAGS) $(HARDENING) -Wall -Wextra -MMD -MP -o $@ $< $(BUILD)/libtested.a $(TEST_LIBS)

# Programs of the hostile suites: a caller that writes its own requests, and what it tries to start.
HOSTILE_SRCS := $(wildcard tests/hostile/driver.c tests/hostile/attempt.c tests/hostile/attack_*.c tests/hostile/wire.c)
HOSTILE_PROGRAMS := $(addprefix $(BUILD)/tests/hostile/,driver payload stepper attacker flip nodes)
$(BUILD)/tests/hostile/driver: $(HOSTILE_SRCS) tests/hostile/driver.h $(BUILD)/libtested.a
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(DEFINES) $(CFLAGS) -Wall -Wextra -o $@ $(HOSTILE_SRCS) $(BUILD)/libtested.a $(TEST_LIBS)
$(BUILD)/tests/hostile/%: tests/hostile/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -Wall -Wextra -static -o $@ $<
hostile-programs: $(HOSTILE_PROGRAMS)
.PHONY: hostile-programs check-hostile

.PHONY: deps deps-demo check check-unit check-cli check-headers fuzz fuzz-programs fuzz-replay asan audit bench install uninstall deb \
	dist-nested nested-tree \
	demo format format-check help

BUILD_DEPS := gcc make libc6-dev libcap-dev libseccomp-dev libprotobuf-c-dev protobuf-c-compiler libsquashfuse-dev libfuse3-dev \
	libjansson-dev libyaml-dev zlib1g-dev libdeflate-dev libzstd-dev liblzma-dev liblz4-dev liblzo2-dev libsquashfs-dev libssl-dev \
	libarchive-dev libbz2-dev libcurl4-openssl-dev ca-certificates binutils
DEMO_DEPS := $(BUILD_DEPS) busybox-static uidmap debootstrap
DEPS := $(DEMO_DEPS) libcmocka-dev bats squashfs-tools procps libcap2-bin attr e2fsprogs file util-linux bubblewrap squashfuse strace \
	docker.io podman runc jq fuse2fs fuse-overlayfs skopeo umoci buildah zstd docker-registry openssl curl python3 \
	apache2-utils python3 musl-tools

# Installs what is missing, as root on Debian; says so otherwise. deps: for everything; deps-demo: to build and to run the demo.
deps: WANTED := $(DEPS)
deps-demo: WANTED := $(DEMO_DEPS)
deps deps-demo:
	@missing=; for p in $(WANTED); do dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$p"; done; \
	if [ -n "$$missing" ]; then \
		if [ "$$(id -u)" != 0 ]; then echo "missing packages (as root: make $@):$$missing" >&2; exit 1; fi; \
		echo "Installing from Debian:$$missing"; log=$$(mktemp); \
		{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing; } \
			>"$$log" 2>&1 || { tail -n 20 "$$log" >&2; rm -f "$$log"; exit 1; }; \
		rm -f "$$log"; \
	fi

# Started by hand, these two build on all cores; under make -j they share make's.
JOBS := $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))
check: deps
	@$(MAKE) --no-print-directory $(JOBS) all
	@tests/lib/run_checks.sh "$(BUILD)" unit fuzz headers cli hostile

check-unit: $(UNIT_TESTS)
# ONLY="exec binds" takes those files alone.
check-cli: all
	tests/lib/run_checks.sh "$(BUILD)" cli
# What `make check` runs of it takes two minutes; HOSTILE_LONG=1 tries for longer.
check-hostile: all
	tests/lib/run_checks.sh "$(BUILD)" hostile
check-headers: $(GEN_HEADERS)
	tests/audit/headers.sh "$(BUILD)"

# The corpus through each harness, without a fuzzer.
FUZZERS := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
# The file server's reader is linked with its own library, whose names are those of the imager's.
SERVE_OBJS = $(call obj,starter/fuse/squash_image.c starter/fuse/file_read.c starter/fuse/decompress.c)
SERVE_LIBS := -l:libsquashfuse.a -l:libdeflate.a -l:libz.a -l:liblzma.a -l:liblzo2.a -l:liblz4.a -l:libzstd.a -lpthread
$(BUILD)/fuzz/fuzz_squash_serve: tests/fuzz/fuzz_squash_serve.c tests/fuzz/replay.c $(SERVE_OBJS)
	@mkdir -p $(@D)
	$(call show,LD)$(CC) $(CPPFLAGS) $(CFLAGS) $(HARDENING) -Wall -Wextra -o $@ $^ $(SERVE_LIBS)
$(BUILD)/fuzz/%: tests/fuzz/%.c tests/fuzz/replay.c $(BUILD)/libtested.a
	@mkdir -p $(@D)
	$(call show,LD)$(CC) $(CPPFLAGS) $(DEFINES) $(CFLAGS) $(HARDENING) -Wall -Wextra -o $@ $< tests/fuzz/replay.c $(BUILD)/libtested.a $(TEST_LIBS)
fuzz-programs: $(addprefix $(BUILD)/fuzz/,$(FUZZERS))
fuzz-replay: fuzz-programs
	tests/lib/run_checks.sh "$(BUILD)" fuzz

# libsquashfs believes sizes until the memory for them is refused, which it bears; libsquashfuse keeps a table when opening fails, after
# which the file server ends.
# Each harness with clang's libFuzzer for FUZZ_SECONDS, starting from the corpus; what it finds goes to $(BUILD)/fuzz-clang.
FUZZ_SECONDS ?= 60
FUZZ_TREE := $(BUILD)/fuzz-clang
fuzz:
	@command -v clang >/dev/null || { echo "make fuzz needs clang (apt-get install clang)" >&2; exit 1; }
	$(MAKE) BUILD=$(FUZZ_TREE) CC=clang SANITIZE=1 CFLAGS="-O1 -g -fsanitize=fuzzer-no-link" $(FUZZ_TREE)/libtested.a \
		$(SERVE_OBJS:$(BUILD)/%=$(FUZZ_TREE)/%)
	set -e; for name in $(FUZZERS); do \
		parser=$${name#fuzz_}; mkdir -p $(FUZZ_TREE)/found/$$parser; \
		linked="$(FUZZ_TREE)/libtested.a $(TEST_LIBS)"; \
		limit=; leaks=1; [ $$parser != squash_read ] || limit=-malloc_limit_mb=100000000; \
		[ $$parser != squash_serve ] || leaks=0; \
		[ $$parser != squash_serve ] || linked="$(SERVE_OBJS:$(BUILD)/%=$(FUZZ_TREE)/%) $(SERVE_LIBS)"; \
		clang $(CPPFLAGS) -I$(FUZZ_TREE)/gen $(DEFINES) -O1 -g -fsanitize=fuzzer,address,undefined -o $(FUZZ_TREE)/$$name \
			tests/fuzz/$$name.c $$linked; \
		ASAN_OPTIONS=allocator_may_return_null=1:detect_leaks=$$leaks $(FUZZ_TREE)/$$name $$limit -max_total_time=$(FUZZ_SECONDS) -timeout=10 -artifact_prefix=$(FUZZ_TREE)/crash-$$parser- \
			$(FUZZ_TREE)/found/$$parser tests/fuzz/corpus/$$parser; \
	done

asan:
	$(MAKE) BUILD=$(BUILD)/asan SANITIZE=1 check-unit
	SANITIZE=1 tests/lib/run_checks.sh "$(BUILD)/asan" unit

audit: all
	tests/audit/audit.sh "$(BUILD)" $(STARTER_SRCS) $(FLAVOUR_SETUID) $(IPC_STARTER_SRCS) $(POLICY_SRCS) $(STARTER_HEADERS)

bench: all
	tests/bench/bench.sh "$(BUILD)"
	tests/bench/convert.sh "$(BUILD)"

# ---- installation -----------------------------------------------------------------------------------------------------
MAN_PAGES := $(wildcard frontend/man/*.[158])
CONF_FILES := $(wildcard etc/*.conf etc/*.toml etc/*.json etc/*/*.json etc/*.yaml)
SHARED_PROGRAMS := $(LIBEXEC_BIN)/starter $(LIBEXEC_BIN)/squashfs-server $(LIBEXEC_BIN)/action $(PATH_LOADER)

# $(1) singularity and $(2) imager, of either kind, and $(3) bin, $(4) libexec, $(5) etc: a tree. Files of the administrator stay.
define install_tree
	install -d "$(3)" "$(4)/singularity/bin" "$(5)/singularity"
	install -m 0755 $(1) $(BUILD)/bin/run-singularity "$(3)"
	install -m 0755 $(2) $(SHARED_PROGRAMS) "$(4)/singularity/bin"
	@set -e; for f in $(CONF_FILES:etc/%=%); do to="$(5)/singularity/$$f"; \
		[ -e "$$to" ] || [ -L "$$to" ] || install -D -m 0644 "etc/$$f" "$$to"; done
endef

install: nested-tree
	$(call install_tree,$(BUILD)/bin/singularity,$(LIBEXEC_BIN)/imager,$(DESTDIR)$(BINDIR),$(DESTDIR)$(LIBEXECDIR),$(DESTDIR)$(SYSCONFDIR))
	rm -rf "$(DESTDIR)$(LIBEXECDIR)/singularity/nested"
	cp -R $(NESTED) "$(DESTDIR)$(LIBEXECDIR)/singularity/nested"
	@set -e; for f in $(MAN_PAGES); do to="$(DESTDIR)$(MANDIR)/man$${f##*.}/$${f##*/}"; install -D -m 0644 "$$f" "$$to"; \
		sed -e 's:/usr/local/etc/:$(SYSCONFDIR)/:g' -e 's:/usr/local/libexec/:$(LIBEXECDIR)/:g' "$$f" >"$$to"; done
ifeq ($(WITH_SUID),1)
	install -m 4755 -o root -g root $(LIBEXEC_BIN)/starter-suid "$(DESTDIR)$(LIBEXECDIR)/singularity/bin"
	test "$$(stat -c '%u:%g %a' "$(DESTDIR)$(LIBEXECDIR)/singularity/bin/starter-suid")" = "0:0 4755"
endif

# What install put there, but for the configuration.
uninstall:
	rm -f "$(DESTDIR)$(BINDIR)/singularity" "$(DESTDIR)$(BINDIR)/run-singularity"
	@set -e; for f in $(MAN_PAGES); do rm -f "$(DESTDIR)$(MANDIR)/man$${f##*.}/$${f##*/}"; done
	@set -e; for p in imager starter starter-suid squashfs-server action path-loader; do rm -f "$(DESTDIR)$(LIBEXECDIR)/singularity/bin/$$p"; done
	rm -rf "$(DESTDIR)$(LIBEXECDIR)/singularity/nested"
	rm -rf "$(DESTDIR)$(LIBEXECDIR)/singularity/nested"
	@rmdir --ignore-fail-on-non-empty "$(DESTDIR)$(LIBEXECDIR)/singularity/bin" "$(DESTDIR)$(LIBEXECDIR)/singularity" 2>/dev/null || :
	@echo "configuration stays: $(DESTDIR)$(SYSCONFDIR)/singularity"

# For images: relocatable, static, without the setuid starter. Runs where there is no libc, or another one. The tree finds itself
# by the link `nested`, as installations find theirs: --nest binds it. It carries the authorities that this machine trusts, for images
# which have none.
NESTED := $(BUILD)/nested
AUTHORITIES := /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/ca-bundle.pem
nested-tree: all $(BUILD)/static/singularity $(BUILD)/static/imager
	@rm -rf $(NESTED)
	$(call install_tree,$(BUILD)/static/singularity,$(BUILD)/static/imager,$(NESTED)/bin,$(NESTED)/libexec,$(NESTED)/etc)
	strip $(NESTED)/bin/singularity $(NESTED)/libexec/singularity/bin/*
	@ln -s ../.. $(NESTED)/libexec/singularity/nested
	@for f in $(AUTHORITIES); do [ -s $$f ] || continue; { echo "# $$f of $$(date -u -r $$f +%F)"; cat $$f; } \
		>$(NESTED)/libexec/singularity/ca-certificates.crt; break; done
	@ln -sfn ../../nested $(BUILD)/libexec/singularity/nested
dist-nested: nested-tree
	tar -C $(NESTED) --owner=0 --group=0 --sort=name -czf $(BUILD)/singularity-nested.tar.gz .

# Two Debian packages: all but the setuid starter, and the setuid starter.
deb:
	@rm -rf $(BUILD)/deb
	$(MAKE) BUILD=$(BUILD)/placed PREFIX=/usr SYSCONFDIR=/etc LOCALSTATEDIR=/var DESTDIR=$(abspath $(BUILD))/deb/root WITH_SUID=1 install
	frontend/deb/make_deb.sh $(BUILD)/deb $(BUILD) "$(VERSION)"

demo: deps-demo
	@$(MAKE) --no-print-directory $(JOBS) dist-nested
	@tests/lib/demo.sh "$(BUILD)"

format:
	clang-format -i $$(git ls-files '*.c' '*.h')
format-check:
	clang-format --dry-run -Werror $$(git ls-files '*.c' '*.h')
help:
	@printf '%-28s %s\n' \
		'make' 'build everything below $(BUILD)/' \
		'make demo' 'from a bare Debian to a container in a container' \
		'make check' 'all tests (check-unit, check-headers, check-hostile, check-cli [ONLY="names"], fuzz-replay)' \
		'make asan' 'unit tests and fuzz corpora with sanitizers' \
		'make fuzz' 'libFuzzer on each parser, FUZZ_SECONDS=60 each' \
		'make audit' 'what is in the privileged program, and its rules' \
		'make bench' 'start-up, memory and reading against the bare calls, bubblewrap and squashfuse, with budgets' \
		'make install [WITH_SUID=1]' 'below PREFIX=$(PREFIX); DESTDIR= stages' \
		'make uninstall' 'remove what install put there; the configuration stays' \
		'make deb' 'Debian packages: $(BUILD)/singularity-c*.deb' \
		'make dist-nested' 'static, relocatable: $(BUILD)/singularity-nested.tar.gz, for use inside images' \
		'make deps' 'install what is missing from Debian' \
		'make format, format-check' 'clang-format' \
		'make clean' 'remove $(BUILD)/'
