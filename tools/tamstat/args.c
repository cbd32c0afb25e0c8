// SPDX-License-Identifier: LGPL-2.1-or-later
/* args.c - numbers and users, as arguments */
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "tamstat.h"

bool parse_number(const char *text, unsigned long max, unsigned long *number)
{
	char *end;

	errno = 0;
	*number = strtoul(text, &end, 10);
	return *text >= '0' && *text <= '9' && !*end && !errno && *number <= max;
}

bool parse_seconds(const char *text, double *seconds)
{
	char *end;

	if (text[strspn(text, "0123456789.")])	/* "inf", "0x1p3", " 1" */
		return false;
	*seconds = strtod(text, &end);
	return !*end && *seconds >= SECONDS_MIN && *seconds <= SECONDS_MAX;
}

bool parse_user(const char *text, uint32_t *uid)
{
	struct passwd *user = getpwnam(text);
	unsigned long number;

	if (user)
		number = user->pw_uid;
	else if (!parse_number(text, UINT32_MAX, &number))
		return false;
	*uid = (uint32_t)number;
	return true;
}

const char *user_name(uint32_t uid)
{
	/* NSS may ask a server: once for each is enough. */
	static struct { uint32_t uid; char *name; } *users;
	static size_t count;
	struct passwd *user;
	char digits[16];
	size_t i;

	for (i = 0; i < count; i++)
		if (users[i].uid == uid)
			return users[i].name;

	users = xrealloc(users, (count + 1) * sizeof(*users));
	user = getpwuid(uid);
	snprintf(digits, sizeof(digits), "%u", (unsigned int)uid);
	users[count].name = format_name(user ? user->pw_name : digits);
	users[count].uid = uid;
	return users[count++].name;
}
