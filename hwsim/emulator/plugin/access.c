/*
 * Records which bytes of RAM each stretch between two sleeps of a board accesses first, and how: a
 * TCG plugin for QEMU. A byte whose first access after an upset is a write never shows the upset; a
 * byte that is not accessed again keeps it; only a byte that is read first can do harm, and not
 * before that read. So a campaign flips bits right before such a read.
 *
 * A stretch begins at the instruction at `wake`, where the processor continues after its sleep, and
 * ends when that instruction is reached again after `over` was executed, at the end of an input's
 * work. Wake-ups in the middle of an input do not count. For each byte of the region that a stretch
 * accesses, one u32 per stretch:
 *
 *     bit 31: 1 = a write · bits 30–0: offset of the byte in the region
 *     0xffffffff: a stretch begins
 *
 * The stores that an exception makes by itself are not seen. They are below the stack pointer,
 * where nothing is read before it is written.
 *
 * Arguments: out=PATH, wake=ADDRESS, over=ADDRESS, from=ADDRESS, bytes=N
 */
#include "qemu_plugin.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { REGION_BYTES_MAX = 1 << 23, WORDS = 1 << 14 };

PLUGIN_EXPORT int qemu_plugin_version = PLUGIN_API_VERSION;

static int out = -1;
static uint64_t wake;
static uint64_t over;
static uint64_t from;
static uint64_t bytes;

/* By byte of the region: number of the stretch that accessed it last. */
static uint32_t *touched;
static uint32_t stretch;
/*
 * The work of an input has ended since the last stretch began. At first the board waits for an
 * input.
 */
static bool ended = true;

static uint32_t words[WORDS];
static size_t word_count;

static void flush_words(void) {
  const char *at = (const char *)words;
  size_t left = word_count * sizeof words[0];
  word_count = 0;
  while (left > 0) {
    const ssize_t written = write(out, at, left);
    if (written <= 0) _exit(3);
    at += written;
    left -= (size_t)written;
  }
}

static void put(uint32_t word) {
  words[word_count++] = word;
  if (word_count == WORDS) flush_words();
}

static void on_wake(unsigned int vcpu, void *data) {
  (void)vcpu;
  (void)data;
  if (!ended) return;
  ended = false;
  stretch++;
  put(0xffffffffu);
}

static void on_over(unsigned int vcpu, void *data) {
  (void)vcpu;
  (void)data;
  ended = true;
  flush_words();
}

static void on_access(unsigned int vcpu, qemu_plugin_meminfo_t info, uint64_t address, void *data) {
  (void)vcpu;
  (void)data;
  const uint64_t offset = address - from;
  if (stretch == 0 || offset >= bytes) return;
  const uint32_t size = 1u << qemu_plugin_mem_size_shift(info);
  const uint32_t kind = qemu_plugin_mem_is_store(info) ? 1u << 31 : 0;
  for (uint32_t i = 0; i < size && offset + i < bytes; i++) {
    uint32_t *const at = &touched[offset + i];
    if (*at == stretch) continue;
    *at = stretch;
    put(kind | (uint32_t)(offset + i));
  }
}

static void on_translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb) {
  (void)id;
  const size_t count = qemu_plugin_tb_n_insns(tb);
  for (size_t i = 0; i < count; i++) {
    struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
    const uint64_t address = qemu_plugin_insn_vaddr(insn);
    if (address == wake) qemu_plugin_register_vcpu_insn_exec_cb(insn, on_wake, QEMU_PLUGIN_CB_NO_REGS, NULL);
    if (address == over) qemu_plugin_register_vcpu_insn_exec_cb(insn, on_over, QEMU_PLUGIN_CB_NO_REGS, NULL);
    qemu_plugin_register_vcpu_mem_cb(insn, on_access, QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_MEM_RW, NULL);
  }
}

static const char *value_of(const char *argument, const char *name) {
  const size_t length = strlen(name);
  return strncmp(argument, name, length) == 0 && argument[length] == '=' ? argument + length + 1 : NULL;
}

static bool read_argument(const char *argument) {
  const char *value;
  if ((value = value_of(argument, "out"))) return (out = open(value, O_WRONLY | O_CREAT | O_CLOEXEC, 0644)) >= 0;
  if ((value = value_of(argument, "wake"))) return (wake = strtoull(value, NULL, 0)) > 0;
  if ((value = value_of(argument, "over"))) return (over = strtoull(value, NULL, 0)) > 0;
  if ((value = value_of(argument, "from"))) return (from = strtoull(value, NULL, 0)) > 0;
  if ((value = value_of(argument, "bytes"))) return (bytes = strtoull(value, NULL, 0)) > 0;
  return false;
}

PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv);

PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv) {
  (void)info;
  for (int i = 0; i < argc; i++) {
    if (read_argument(argv[i])) continue;
    fprintf(stderr, "access: cannot use argument %s\n", argv[i]);
    return 1;
  }
  if (out < 0 || wake == 0 || over == 0 || from == 0 || bytes == 0 || bytes > REGION_BYTES_MAX) {
    fprintf(stderr, "access: needs out=, wake=, over=, from= and bytes= (at most %d)\n", REGION_BYTES_MAX);
    return 1;
  }
  touched = calloc(bytes, sizeof touched[0]);
  if (touched == NULL) return 1;
  qemu_plugin_register_vcpu_tb_trans_cb(id, on_translated);
  return 0;
}
