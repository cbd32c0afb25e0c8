// SPDX-License-Identifier: GPL-2.0-only
/* The operations there are; how one is chosen, printed and read back. */
#include "model.h"

#define KIND(name, fields, weight)					\
	{ #name, fields, weight, choose_##name, run_##name }

/* The fields that each has: the letters of fields[], below. */
const struct kind kinds[] = {
	KIND(open, "pox", 24),
	KIND(attributes, "pox", 4),
	KIND(close, "po", 5),
	KIND(pass, "pod", 6),
	KIND(punch, "ptogn", 10),
	KIND(map, "ptoganx", 60),
	KIND(memset, "poanx", 5),
	KIND(munmap, "ptan", 10),
	KIND(mprotect, "ptanx", 24),
	KIND(resize, "ptand", 10),
	KIND(move, "ptandx", 14),
	KIND(advise, "ptanx", 40),
	KIND(mlock, "ptan", 6),
	KIND(munlock, "ptan", 10),
	KIND(read, "ptan", 90),
	KIND(write, "ptanx", 120),
	KIND(populate, "ptanx", 12),
	KIND(commit, "ptan", 10),
	KIND(discard, "ptan", 8),
	KIND(peek, "pand", 10),
	KIND(poke, "pandx", 10),
	KIND(check, "p", 3),
	KIND(object_stats, "po", 10),
	KIND(process_stats, "pd", 6),
	KIND(mappings, "pandx", 8),
	KIND(pages, "pandx", 10),
	KIND(system_stats, "p", 1),
	KIND(fork, "pd", 6),
	KIND(exit, "p", 4),
	KIND(storm, "poganx", 3),
};

/* For people: what the argument means. */
static void op_note(FILE *file, const struct op *op)
{
	static const struct {
		int (*run)(const struct op *op);
		void (*note)(FILE *file, const struct op *op);
	} notes[] = {
		{ run_map, note_map },
		{ run_mprotect, note_mprotect },
		{ run_advise, note_advise },
		{ run_write, note_write },
		{ run_poke, note_write },
		{ run_open, note_open },
		{ run_storm, note_storm },
	};

	for (size_t i = 0; i < sizeof(notes) / sizeof(notes[0]); i++) {
		if (notes[i].run != kinds[op->kind].run)
			continue;
		fprintf(file, "\t# ");
		notes[i].note(file, op);
	}
}

const unsigned int kinds_count = sizeof(kinds) / sizeof(kinds[0]);

/* A good hash of 32 bits. */
uint32_t mix(uint32_t value)
{
	value = (value ^ value >> 16) * 0x7feb352d;
	value = (value ^ value >> 15) * 0x846ca68b;
	return value ^ value >> 16;
}

/* 0 to n - 1; splitmix64. */
uint32_t rnd(uint32_t n)
{
	uint64_t z = m->random += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return ((z ^ z >> 31) >> 32) * n >> 32;
}

/* Another process, or one that could begin; -1: none. */
int choose_process(bool live)
{
	int p = rnd(m->processes);

	for (int i = 0; i < m->processes; i++, p = (p + 1) % m->processes)
		if (m->process[p].live == live)
			return p;
	return -1;
}

int choose_at(void)
{
	return rnd(rnd(4) ? 2 * ARENA_EDGE : ARENA_PAGES);
}

/*
 * A range that begins, most often, where there is such a mapping, and may end
 * outside of it.
 */
bool choose_mapped(struct op *op, int process, unsigned int n, int prot)
{
	const struct view *v;

	op->at = choose_at();
	for (int i = 0; i < 64 && (i || rnd(32)); i++) {
		v = view(process, op->at);
		if (v->kind && (v->prot & prot) == prot)
			break;
		op->at = (op->at + 1) % ARENA_PAGES;
	}
	op->n = 1 + rnd(rnd(3) ? 3 : n);
	if (n >= 32 && !rnd(12))	/* as far as there is no hole */
		while (op->at + op->n < ARENA_PAGES &&
		       view(process, op->at + op->n)->kind)
			op->n++;
	if (op->at + op->n > ARENA_PAGES)
		op->n = ARENA_PAGES - op->at;
	return true;
}

/* One that the process has a descriptor of. */
bool choose_object(struct op *op, int process)
{
	op->object = rnd(OBJECTS);
	for (int i = 0; i < OBJECTS; i++) {
		if (m->process[process].fd[op->object])
			return true;
		op->object = (op->object + 1) % OBJECTS;
	}
	return false;
}

void op_choose(struct op *op)
{
	static unsigned int sum;
	unsigned int kind, weight;

	if (!sum)
		for (kind = 0; kind < kinds_count; kind++)
			sum += kinds[kind].weight;
	/* A turn is several operations: to pass it on costs more than most. */
	if (!m->process[m->turn].live || !rnd(16))
		m->turn = choose_process(true);
	do {
		memset(op, 0, sizeof(*op));
		op->process = m->turn;
		weight = rnd(sum);
		for (kind = 0; weight >= kinds[kind].weight; kind++)
			weight -= kinds[kind].weight;
		op->kind = kind;
		if (strchr(kinds[kind].fields, 't') && !rnd(32))
			op->thread = rnd(m->threads);
	} while (!kinds[kind].choose(op));
}

/* How the fields are written: "p=0 at=17". */
static const struct field {
	char letter;
	const char *name;
	size_t offset;
	size_t size;
	uint32_t limit;
} fields[] = {
#define FIELD(letter, name, member, limit)				\
	{ letter, name, offsetof(struct op, member),			\
	  sizeof(((struct op *)0)->member), limit }
	FIELD('p', "p", process, PROCESSES - 1),
	FIELD('t', "thread", thread, THREADS - 1),
	FIELD('o', "o", object, OBJECTS - 1),
	FIELD('g', "page", page, OBJECT_PAGES - 1),
	FIELD('a', "at", at, ARENA_PAGES - 1),
	FIELD('n', "n", n, ARENA_PAGES),
	FIELD('d', "to", to, ARENA_PAGES),
	FIELD('x', "arg", arg, UINT32_MAX),
};

#define FIELDS	(sizeof(fields) / sizeof(fields[0]))

void op_print(FILE *file, const struct op *op, bool notes)
{
	uint32_t value;

	fprintf(file, "%s", kinds[op->kind].name);
	for (size_t i = 0; i < FIELDS; i++) {
		if (!strchr(kinds[op->kind].fields, fields[i].letter))
			continue;
		value = 0;
		memcpy(&value, (char *)op + fields[i].offset, fields[i].size);
		if (value || fields[i].letter != 't')
			fprintf(file, " %s=%u", fields[i].name, value);
	}
	if (notes)
		op_note(file, op);
}

bool op_parse(const char *text, struct op *op)
{
	char name[32], key[16];
	uint32_t value;
	size_t i;
	int used;

	memset(op, 0, sizeof(*op));
	if (sscanf(text, " %31[a-z_]%n", name, &used) != 1)
		return false;
	while (op->kind < kinds_count && strcmp(name, kinds[op->kind].name))
		op->kind++;
	if (op->kind == kinds_count)
		return false;
	for (text += used;
	     sscanf(text, " %15[a-z]=%u%n", key, &value, &used) == 2;
	     text += used) {
		for (i = 0; i < FIELDS && strcmp(key, fields[i].name); i++)
			;
		if (i == FIELDS || value > fields[i].limit)
			return false;
		memcpy((char *)op + fields[i].offset, &value, fields[i].size);
	}
	return op->at + op->n <= ARENA_PAGES;
}
