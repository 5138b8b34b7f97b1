/*
 * Counts the instructions of calls into the firmware, exactly: a TCG plugin for QEMU.
 *
 * A board's loop calls `measure_begin_<op>` right before a call into the firmware and `measure_end`
 * right after. The host reads their addresses from the ELF and passes them as arguments. The plugin
 * writes one record per call, in order, to a file or FIFO (16 bytes, host byte order):
 *
 *     u32 op · u32 how · u64 instructions
 *
 * how: 0 ended, 1 ran over the limit, 2 abandoned (a trap or a reset).
 *
 * Every translated instruction outside the markers' own bodies adds one to a counter, inline in the
 * translated code. So nothing is estimated, and the count does not depend on how the emulator cuts
 * code into blocks. Between the markers, only the instruction that calls `measure_end` does not
 * belong to the operation: the reader subtracts it.
 *
 * Arguments: out=PATH, begin=OP:ADDRESS:BYTES (repeated), end=ADDRESS:BYTES, and optionally
 *     over=ADDRESS   the emulator ends when this address is reached
 *     limit=N        a call of more than N instructions is recorded with how = 1 and the emulator
 *                    ends: a hang, found in the same way every time
 *     trace=PATH,from=K,calls=M
 *                    addresses executed in the calls K … K+M−1 (u32 each, counted from 0;
 *                      0xffffffff
 *                    after each call)
 *     untraced=OP    no addresses in calls of this operation
 */
#include "qemu_plugin.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MARKERS_MAX = 32, TRACE_WORDS = 1 << 14, RECORD_ENDED = 0, RECORD_OVER = 1, RECORD_ABANDONED = 2 };

struct marker {
  uint64_t address;
  uint64_t bytes;
  uint32_t op;
};
struct record {
  uint32_t op;
  uint32_t how;
  uint64_t instructions;
};

PLUGIN_EXPORT int qemu_plugin_version = PLUGIN_API_VERSION;

static struct marker begins[MARKERS_MAX];
static size_t begin_count;
static struct marker end;
static int out = -1;
static int trace = -1;
static uint64_t over;
static uint64_t limit;
static uint32_t untraced = UINT32_MAX;
static uint64_t trace_from;
static uint64_t trace_calls = 1;

static uint64_t executed;
static uint64_t before;
static uint64_t calls;
static uint32_t op;
static bool inside;

static uint32_t words[TRACE_WORDS];
static size_t word_count;

static void write_all(int file, const void *data, size_t bytes) {
  const char *at = data;
  while (bytes > 0) {
    const ssize_t written = write(file, at, bytes);
    if (written <= 0) _exit(3);
    at += written;
    bytes -= (size_t)written;
  }
}

static void flush_trace(void) {
  if (word_count > 0) write_all(trace, words, word_count * sizeof words[0]);
  word_count = 0;
}

static void trace_word(uint32_t word) {
  words[word_count++] = word;
  if (word_count == TRACE_WORDS) flush_trace();
}

static bool traced(void) {
  return trace >= 0 && calls >= trace_from && calls - trace_from < trace_calls;
}

static void write_record(uint32_t how) {
  const struct record record = {op, how, executed - before};
  write_all(out, &record, sizeof record);
}

static void close_call(uint32_t how) {
  inside = false;
  write_record(how);
  if (traced()) {
    trace_word(0xffffffffu);
    flush_trace();
  }
  calls++;
}

static void on_begin(unsigned int vcpu, void *data) {
  (void)vcpu;
  if (inside) close_call(RECORD_ABANDONED);
  op = ((const struct marker *)data)->op;
  before = executed;
  inside = true;
}

static void on_end(unsigned int vcpu, void *data) {
  (void)vcpu;
  (void)data;
  if (inside) close_call(RECORD_ENDED);
}

static void on_over(unsigned int vcpu, void *data) {
  (void)vcpu;
  (void)data;
  if (inside) close_call(RECORD_ABANDONED);
  _exit(0);
}

static void on_traced(unsigned int vcpu, void *data) {
  (void)vcpu;
  if (inside && op != untraced && traced()) trace_word((uint32_t)(uintptr_t)data);
}

static void on_block(unsigned int vcpu, void *data) {
  (void)vcpu;
  (void)data;
  if (!inside || executed - before <= limit) return;
  close_call(RECORD_OVER);
  _exit(0);
}

static bool within(const struct marker *marker, uint64_t address) {
  return address - marker->address < marker->bytes;
}

static struct marker *marker_of(uint64_t address) {
  for (size_t i = 0; i < begin_count; i++)
    if (within(&begins[i], address)) return &begins[i];
  return within(&end, address) ? &end : NULL;
}

static void on_translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb) {
  (void)id;
  const size_t count = qemu_plugin_tb_n_insns(tb);
  if (limit != 0) qemu_plugin_register_vcpu_tb_exec_cb(tb, on_block, QEMU_PLUGIN_CB_NO_REGS, NULL);
  for (size_t i = 0; i < count; i++) {
    struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
    const uint64_t address = qemu_plugin_insn_vaddr(insn);
    struct marker *marker = marker_of(address);
    if (over != 0 && address == over)
      qemu_plugin_register_vcpu_insn_exec_cb(insn, on_over, QEMU_PLUGIN_CB_NO_REGS, NULL);
    if (marker == NULL) {
      qemu_plugin_register_vcpu_insn_exec_inline(insn, QEMU_PLUGIN_INLINE_ADD_U64, &executed, 1);
      void *const data = (void *)(uintptr_t)address;
      if (trace >= 0) qemu_plugin_register_vcpu_insn_exec_cb(insn, on_traced, QEMU_PLUGIN_CB_NO_REGS, data);
    } else if (address == marker->address) {
      const qemu_plugin_executed called = marker == &end ? on_end : on_begin;
      qemu_plugin_register_vcpu_insn_exec_cb(insn, called, QEMU_PLUGIN_CB_NO_REGS, marker);
    }
  }
}

static const char *value_of(const char *argument, const char *name) {
  const size_t length = strlen(name);
  return strncmp(argument, name, length) == 0 && argument[length] == '=' ? argument + length + 1 : NULL;
}

static int open_for_writing(const char *path) {
  return open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
}

static bool read_argument(const char *argument) {
  const char *value;
  char *rest;
  if ((value = value_of(argument, "out"))) return (out = open_for_writing(value)) >= 0;
  if ((value = value_of(argument, "trace"))) return (trace = open_for_writing(value)) >= 0;
  if ((value = value_of(argument, "over"))) return (over = strtoull(value, NULL, 0)) > 0;
  if ((value = value_of(argument, "limit"))) return (limit = strtoull(value, NULL, 0)) > 0;
  if ((value = value_of(argument, "untraced"))) return untraced = (uint32_t)strtoul(value, NULL, 0), true;
  if ((value = value_of(argument, "from"))) return trace_from = strtoull(value, NULL, 0), true;
  if ((value = value_of(argument, "calls"))) return (trace_calls = strtoull(value, NULL, 0)) > 0;
  if ((value = value_of(argument, "end"))) {
    end.address = strtoull(value, &rest, 0);
    end.bytes = *rest == ':' ? strtoull(rest + 1, NULL, 0) : 0;
    return end.bytes > 0;
  }
  if ((value = value_of(argument, "begin")) && begin_count < MARKERS_MAX) {
    struct marker *marker = &begins[begin_count++];
    marker->op = (uint32_t)strtoul(value, &rest, 0);
    marker->address = *rest == ':' ? strtoull(rest + 1, &rest, 0) : 0;
    marker->bytes = *rest == ':' ? strtoull(rest + 1, NULL, 0) : 0;
    return marker->bytes > 0;
  }
  return false;
}

PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv);

PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv) {
  (void)info;
  for (int i = 0; i < argc; i++) {
    if (read_argument(argv[i])) continue;
    fprintf(stderr, "count: cannot use argument %s\n", argv[i]);
    return 1;
  }
  if (out < 0 || end.bytes == 0 || begin_count == 0) {
    fprintf(stderr, "count: needs out=, end= and one begin= at least\n");
    return 1;
  }
  qemu_plugin_register_vcpu_tb_trans_cb(id, on_translated);
  return 0;
}
