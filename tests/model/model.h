/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A random tester with a model of what every byte must be.  Several processes
 * work on objects, one operation at a time, and each is checked against the
 * contract.  One file, one idea:
 *
 *   contents.c  the model: what a page holds, and what an access does to it
 *   kinds.c     the table of operations; choosing, printing and parsing one
 *   views.c     operations on address space: mmap to madvise
 *   access.c    reads and writes, from inside and from other processes
 *   objects.c   open, attributes, punch, descriptors passed on
 *   books.c     statistics
 *   storm.c     all threads of all processes at once
 *   session.c   the processes, and whose turn it is
 *   shrink.c    a failure in as few operations as possible
 *   main.c      options and verdict
 */
#ifndef MODEL_H
#define MODEL_H

#include "../module.h"

#include <stdarg.h>

#define PROCESSES	6	/* at most */
#define THREADS		4	/* at most, of each */
#define OBJECTS		16
#define OBJECT_PAGES	640
#define ARENA_PAGES	1024
#define BUFFERS		(PROCESSES * ARENA_PAGES + OBJECTS * OBJECT_PAGES + 1)

/*
 * Where each process has its mappings, most of them near its beginning, where
 * two page tables meet; another is inside of the arena from end to end.
 */
#define ARENA		(64 * GIB + 2 * MIB - ARENA_EDGE * PAGE)
#define ARENA_EDGE	64
#define ARENA_TABLE	512

/* One number is an operation's outcome: 0, an errno, or one of these. */
#define SKIPPED		254	/* not possible in this state */
#define SIGNALLED	255
#define OUTCOMES	256

struct op {
	uint8_t kind;
	uint8_t process;
	uint8_t thread;
	uint8_t object;
	uint16_t at;		/* page of the arena */
	uint16_t n;		/* pages */
	uint16_t to;		/* another page, process, or size */
	uint16_t page;		/* of the object */
	uint32_t arg;
};

enum { UNMAPPED, PRIVATE, SHARED };
enum { ABSENT, PRESENT, PERHAPS };

/* One page of an arena. */
struct view {
	uint8_t kind;
	uint8_t prot;
	uint8_t object;
	uint16_t page;		/* of the object */
	uint8_t present;	/* in the page table */
	bool locked;
	bool dontfork;
	uint16_t own;		/* buffer of a private page; 0: none */
};

struct object {
	bool live;
	bool mapped;		/* attributes are fixed */
	uint16_t refs;		/* descriptors and views */
	uint64_t id;
	uint64_t base;		/* where OBJECT_PAGES begin, in pages */
	uint32_t len;		/* of the pattern */
	char name[TAM_NAME_MAX];
	uint16_t stored[OBJECT_PAGES];		/* buffers; 0: none */
	uint8_t pattern[TAM_PATTERN_MAX + PAGE];	/* goes on for a page */
};

struct process {
	bool live;
	pid_t pid;
	int turn;		/* a futex */
	bool fd[OBJECTS];
	uint8_t inbox[OBJECTS];	/* descriptors sent, not yet received */
	int letters;
	struct view arena[ARENA_PAGES];
};

struct storm {
	const struct op *op;
	int processes, members;
	int ready, done, over, checked;	/* counts, and futexes */
	uint8_t part[PROCESSES][ARENA_PAGES];	/* PROT_READ, PROT_WRITE */
};

/* What all processes of a session share. */
struct model {
	uint64_t random;
	int processes, threads;
	bool replay;
	unsigned int limit;	/* operations */
	unsigned int position;
	unsigned int known;	/* in the log: position, or one more */
	int turn;		/* whose the next operation is */
	pid_t gone;		/* wait for its end first */
	int over;		/* a futex */
	int failed;
	char why[512];
	uint16_t refs[BUFFERS];
	uint16_t idle[BUFFERS];
	unsigned int idles;
	struct process process[PROCESSES];
	struct object object[OBJECTS];
	struct storm storm;
	uint32_t outcomes[64][OUTCOMES];
	uint8_t buffer[BUFFERS][PAGE];
	struct op log[];
};

extern struct model *m;
extern int me;			/* the process this is */
extern int inbox[PROCESSES][2];

static inline struct view *view(int process, int at)
{
	return &m->process[process].arena[at];
}

static inline struct view *mine(int at)
{
	return view(me, at);
}

static inline char *address(int at)
{
	return (char *)ARENA + at * PAGE;
}

/* Objects have their descriptors at the same place in every process. */
static inline int descriptor(int object)
{
	return 100 + object;
}

/* For what needs some descriptor of the device; never mapped. */
#define CONTROL		99

/* contents.c */
const uint8_t *object_bytes(int object, int page);
const uint8_t *first_bytes(int object, int page);
const uint8_t *view_bytes(const struct view *v);
void model_reset(void);
uint32_t pattern_len(uint32_t arg);
void model_pattern(int object, uint32_t arg);
void model_get(int object);
void model_put(int object);
void model_map(struct view *v, int kind, int prot, int object, int page);
void model_unmap(struct view *v);
void model_forget(struct view *v);
void model_touch(struct view *v, bool write);
void model_populate(struct view *v);
void model_write(struct view *v, size_t off, const void *bytes, size_t len);
void model_punch(int object, int page, int n);
void model_fork(int parent, int child);
void model_exit(int process);
unsigned int model_held(int object);

/* kinds.c */
struct kind {
	const char *name;
	const char *fields;
	unsigned int weight;
	bool (*choose)(struct op *op);
	int (*run)(const struct op *op);
};

extern const struct kind kinds[];
extern const unsigned int kinds_count;

uint32_t mix(uint32_t value);
uint32_t rnd(uint32_t n);
void op_choose(struct op *op);
void op_print(FILE *file, const struct op *op, bool notes);
bool op_parse(const char *text, struct op *op);
int choose_process(bool live);
int choose_at(void);
bool choose_mapped(struct op *op, int process, unsigned int n, int prot);
bool choose_object(struct op *op, int process);

/* session.c */
struct session {
	uint64_t seed;
	unsigned int ops;
	int processes, threads;
	unsigned int silence;	/* seconds that are a hang */
};

void session_init(unsigned int ops);
/* With a log: those operations.  Without: chosen ones.  Whether all was well. */
bool session_run(const struct session *s, const struct op *log);
const char *error(int err);
void fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
int guarded(void (*fn)(void *arg), void *arg);
void in_threads(void (*fn)(int thread));
void in_thread(int thread, void (*fn)(int thread));
void futex_wait(int *word, int value);
void futex_wake(int *word);

/* objects.c */
void open_at(int object, uint64_t base);

/* views.c */
bool advice_known(int advice);

/* access.c */
int check_page(int at);
void check_arena(bool all);

/* storm.c */
void storm_join(void);

/* shrink.c */
void shrink(const struct session *s, struct op *log, unsigned int n,
	    unsigned int seconds);

/* What an operation's argument means. */
void note_map(FILE *file, const struct op *op);
void note_mprotect(FILE *file, const struct op *op);
void note_advise(FILE *file, const struct op *op);
void note_write(FILE *file, const struct op *op);
void note_open(FILE *file, const struct op *op);
void note_storm(FILE *file, const struct op *op);

/* The operations. */
#define OPERATION(name)							\
	bool choose_##name(struct op *op);				\
	int run_##name(const struct op *op)

OPERATION(map);
OPERATION(munmap);
OPERATION(mprotect);
OPERATION(resize);
OPERATION(move);
OPERATION(advise);
OPERATION(mlock);
OPERATION(munlock);
OPERATION(memset);
OPERATION(read);
OPERATION(write);
OPERATION(populate);
OPERATION(commit);
OPERATION(discard);
OPERATION(peek);
OPERATION(poke);
OPERATION(check);
OPERATION(open);
OPERATION(close);
OPERATION(attributes);
OPERATION(punch);
OPERATION(pass);
OPERATION(fork);
OPERATION(exit);
OPERATION(object_stats);
OPERATION(process_stats);
OPERATION(mappings);
OPERATION(pages);
OPERATION(system_stats);
OPERATION(storm);

#endif /* MODEL_H */
