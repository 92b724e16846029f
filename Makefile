# Paracrine: in-silico trials of mesenchymal stromal cell therapy. `make demo` and `make test` each work as the first
# command on a fresh Debian 12: they install what is missing, configure and build.
BUILD ?= build
PREFIX ?= /usr/local
MESON_FLAGS ?=

.PHONY: all setup demo test test-full bench bench-full install clean

all: setup
	@test -f $(BUILD)/build.ninja || meson setup $(BUILD) --prefix=$(PREFIX) $(MESON_FLAGS) >$(BUILD).log 2>&1 || { cat $(BUILD).log; exit 1; }
	@rm -f $(BUILD).log
	@ninja -C $(BUILD) --quiet

setup:
	@sh tools/setup

demo: all
	$(BUILD)/paracrine trial trials/knee-oa-dose.yaml -o out/knee-oa-dose --force

test: all
	@meson test -C $(BUILD) --no-rebuild --print-errorlogs --no-suite full

test-full: all
	@meson test -C $(BUILD) --no-rebuild --print-errorlogs --timeout-multiplier 20

bench: all
	@sh bench/run $(BUILD)

# The same with 1,000,000 patients.
bench-full: all
	@sh bench/run $(BUILD) --full

install: all
	@meson install -C $(BUILD)

clean:
	rm -rf $(BUILD) out
