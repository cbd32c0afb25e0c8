// SPDX-License-Identifier: LGPL-2.1-or-later
/* results.c - records in memory and as JSON, one object a line */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "results.h"

void add_record(struct records *all, const struct record *r)
{
	all->r = realloc(all->r, (all->n + 1) * sizeof(*all->r));
	if (!all->r)
		abort();
	all->r[all->n++] = *r;
}

const struct record *find_record(const struct records *all, const char *of,
				 const char *peer)
{
	size_t i;

	for (i = 0; i < all->n; i++)
		if (!strcmp(all->r[i].of, of) && !strcmp(all->r[i].peer, peer))
			return &all->r[i];
	return NULL;
}

void write_json(const struct record *r, FILE *to)
{
	json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:i}",
			      "case", r->of, "peer", r->peer, "what", r->what,
			      "unit", r->unit, "method", r->method,
			      "kernel", r->kernel, "cpus", r->cpus);

	if (!o)
		abort();
	if (r->missing) {
		json_object_set_new(o, "missing", json_string(r->missing));
	} else {
		json_object_set_new(o, "median", json_real(r->median));
		json_object_set_new(o, "min", json_real(r->min));
		json_object_set_new(o, "max", json_real(r->max));
		json_object_set_new(o, "repeats", json_integer(r->repeats));
		if (r->bytes >= 0)
			json_object_set_new(o, "bytes",
					    json_integer((json_int_t)r->bytes));
	}
	json_dumpf(o, to, JSON_REAL_PRECISION(8));
	fputc('\n', to);
	fflush(to);
	json_decref(o);
}

/* For plots; ? is what gnuplot is to take for missing. */
void write_tsv(const struct records *all, FILE *to)
{
	const struct record *r;

	for (r = all->r; r < all->r + all->n; r++) {
		fprintf(to, "%s\t%s\t%s\t%s\t%s\t%s\t", r->of, r->peer, r->what,
			r->unit, r->method, r->kernel);
		if (r->missing)
			fputs("?\t?\t?\n", to);
		else
			fprintf(to, "%g\t%g\t%g\n", r->median, r->min, r->max);
	}
}

/* What is read is kept for good. */
bool read_json(struct records *all, const char *path)
{
	FILE *from = strcmp(path, "-") ? fopen(path, "r") : stdin;
	json_error_t error;
	json_t *o;

	if (!from) {
		perror(path);
		return false;
	}
	while ((o = json_loadf(from, JSON_DISABLE_EOF_CHECK, &error))) {
		struct record r = { .bytes = -1 };

		if (json_unpack_ex(o, &error, 0,
				   "{s:s, s:s, s:s, s:s, s:s, s:s, s:i, s?s, s?F, s?F, s?F, s?i, s?F}",
				   "case", &r.of, "peer", &r.peer, "what", &r.what,
				   "unit", &r.unit, "method", &r.method,
				   "kernel", &r.kernel, "cpus", &r.cpus,
				   "missing", &r.missing, "median", &r.median,
				   "min", &r.min, "max", &r.max,
				   "repeats", &r.repeats, "bytes", &r.bytes))
			break;
		add_record(all, &r);
		fscanf(from, " ");
		if (feof(from)) {
			fclose(from);
			return true;
		}
	}
	fprintf(stderr, "tambench: %s: %s\n", path, error.text);
	return false;
}
