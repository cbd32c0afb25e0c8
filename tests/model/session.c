// SPDX-License-Identifier: GPL-2.0-only
/*
 * A session: processes that share the model and take turns.  Whose turn it is
 * chooses the next operation, or takes it from the log, and carries it out, or
 * hands the turn to the process that is to; so there is no switch of processes
 * for most, and one number says all that happens.
 */
#include "model.h"

#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

struct model *m;
int me;
int inbox[PROCESSES][2];

/* This process' other threads, made when they are first needed. */
static struct helper {
	pthread_t id;
	int go;
	void (*fn)(int thread);
} helpers[THREADS];

static pid_t helpers_of;

static __thread sigjmp_buf caught;
static __thread volatile bool guard;

void futex_wait(int *word, int value)
{
	syscall(SYS_futex, word, FUTEX_WAIT, value, NULL, NULL, 0);
}

void futex_wake(int *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

const char *error(int err)
{
	return err ? strerror(err) : "success";
}

/* The first to fail says why. */
void fail(const char *format, ...)
{
	va_list args;

	if (!__atomic_exchange_n(&m->failed, 1, __ATOMIC_SEQ_CST)) {
		va_start(args, format);
		vsnprintf(m->why, sizeof(m->why), format, args);
		va_end(args);
		__atomic_store_n(&m->over, 1, __ATOMIC_SEQ_CST);
		futex_wake(&m->over);
	}
	_exit(1);
}

static void on_signal(int sig, siginfo_t *info, void *context)
{
	(void)context;
	if (guard)
		siglongjmp(caught, sig);
	fail("process %d: unexpected %s at %p", me, strsignal(sig),
	     info->si_addr);
}

/* fn(arg), or the signal that ended it. */
int guarded(void (*fn)(void *arg), void *arg)
{
	int sig = sigsetjmp(caught, 0);

	if (!sig) {
		guard = true;
		fn(arg);
	}
	guard = false;
	return sig;
}

static void *help(void *arg)
{
	struct helper *h = arg;

	for (;;) {
		while (!__atomic_load_n(&h->go, __ATOMIC_ACQUIRE))
			futex_wait(&h->go, 0);
		h->fn(h - helpers);
		__atomic_store_n(&h->go, 0, __ATOMIC_RELEASE);
		futex_wake(&h->go);
	}
	return NULL;
}

static void helper_start(int thread, void (*fn)(int thread))
{
	struct helper *h = &helpers[thread];
	pthread_attr_t attr;

	if (helpers_of != getpid()) {
		helpers_of = getpid();
		memset(helpers, 0, sizeof(helpers));
	}
	if (!h->id) {
		pthread_attr_init(&attr);
		pthread_attr_setstacksize(&attr, 128 << 10);
		errno = pthread_create(&h->id, &attr, help, h);
		if (errno)
			fail("pthread_create: %s", strerror(errno));
	}
	h->fn = fn;
	__atomic_store_n(&h->go, 1, __ATOMIC_RELEASE);
	futex_wake(&h->go);
}

static void helper_end(int thread)
{
	while (__atomic_load_n(&helpers[thread].go, __ATOMIC_ACQUIRE))
		futex_wait(&helpers[thread].go, 1);
}

void in_thread(int thread, void (*fn)(int thread))
{
	if (!thread) {
		fn(0);
		return;
	}
	helper_start(thread, fn);
	helper_end(thread);
}

void in_threads(void (*fn)(int thread))
{
	for (int t = 1; t < m->threads; t++)
		helper_start(t, fn);
	fn(0);
	for (int t = 1; t < m->threads; t++)
		helper_end(t);
}

static void give_turn(int process)
{
	int *turn = &m->process[process].turn;

	__atomic_store_n(turn, 1, __ATOMIC_RELEASE);
	futex_wake(turn);
}

/* A storm wakes whoever waits, too. */
static void await_turn(void)
{
	int *turn = &m->process[me].turn;

	for (;;) {
		switch (__atomic_exchange_n(turn, 0, __ATOMIC_ACQUIRE)) {
		case 1:
			return;
		case 2:
			storm_join();
			break;
		default:
			futex_wait(turn, 0);
		}
	}
}

static void receive(int object)
{
	char byte, control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *c;
	int fd;

	if (recvmsg(inbox[me][1], &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) != 1)
		fail("process %d does not get object %d: %s", me, object,
		     strerror(errno));
	c = CMSG_FIRSTHDR(&msg);
	if (!c)
		fail("process %d gets no descriptor of object %d", me, object);
	memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	if (dup3(fd, descriptor(object), O_CLOEXEC) < 0 || close(fd))
		fail("dup3: %s", strerror(errno));
}

/* What others had for this process while it waited. */
static void catch_up(void)
{
	struct process *p = &m->process[me];
	struct pollfd gone = { .events = POLLIN };

	if (m->gone) {
		gone.fd = syscall(SYS_pidfd_open, m->gone, 0);
		if (gone.fd >= 0) {
			while (poll(&gone, 1, -1) != 1)
				;
			close(gone.fd);
		}
		m->gone = 0;
	}
	for (int i = 0; i < p->letters; i++)
		receive(p->inbox[i]);
	p->letters = 0;
}

/* The last to leave ends the session; the others check what they see first. */
static void leave(void)
{
	int next;

	check_arena(true);
	model_exit(me);
	m->gone = getpid();
	next = choose_process(true);
	if (next >= 0) {
		give_turn(next);
	} else {
		__atomic_store_n(&m->over, 1, __ATOMIC_SEQ_CST);
		futex_wake(&m->over);
	}
	_exit(0);
}

bool choose_exit(struct op *op)
{
	(void)op;
	return !rnd(2);
}

int run_exit(const struct op *op)
{
	int next, others = -1;

	(void)op;
	for (int p = 0; p < m->processes; p++)
		others += m->process[p].live;
	if (!others)
		return SKIPPED;
	check_arena(false);
	m->outcomes[op->kind][0]++;
	m->position++;
	model_exit(me);
	m->gone = getpid();
	for (next = 0; !m->process[next].live; next++)
		;
	give_turn(next);
	_exit(0);
}

bool choose_fork(struct op *op)
{
	int child = choose_process(false);

	op->to = child;
	return child >= 0;
}

int run_fork(const struct op *op)
{
	struct process *child = &m->process[op->to];
	pid_t pid;

	if (op->to >= m->processes || child->live)
		return SKIPPED;
	memset(child, 0, sizeof(*child));
	model_fork(me, op->to);
	child->live = true;
	pid = fork();
	if (pid < 0)
		fail("fork: %s", strerror(errno));
	if (!pid) {
		me = op->to;
		return 0;
	}
	child->pid = pid;
	return 0;
}

/* The operation in hand, for the thread that does it. */
static const struct op *in_hand;
static int outcome;

static void run_in_hand(int thread)
{
	(void)thread;
	outcome = kinds[in_hand->kind].run(in_hand);
}

static void work(void)
{
	struct op *op;
	int was;

	await_turn();
	for (;;) {
		catch_up();
		if (m->position == m->limit)
			leave();
		op = &m->log[m->position];
		if (!m->replay && m->known == m->position) {
			op_choose(op);
			m->known++;
		}
		if (!m->process[op->process].live ||
		    op->thread >= m->threads) {
			m->outcomes[op->kind][SKIPPED]++;
			m->position++;
			continue;
		}
		if (op->process != me) {
			give_turn(op->process);
			await_turn();
			continue;
		}
		was = me;
		in_hand = op;
		in_thread(op->thread, run_in_hand);
		if (me != was) {		/* a child, just born */
			await_turn();
			continue;
		}
		m->outcomes[op->kind][outcome]++;
		m->position++;
	}
}

static void begin(void)
{
	struct sigaction action = {
		.sa_sigaction = on_signal,
		.sa_flags = SA_SIGINFO | SA_NODEFER,
	};

	setpgid(0, 0);
	for (int p = 0; p < PROCESSES; p++)
		if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, inbox[p]))
			fail("socketpair: %s", strerror(errno));
	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	if (dup3(open_object(), CONTROL, O_CLOEXEC) < 0)
		fail("no control descriptor: %s", strerror(errno));
	me = 0;
	m->process[0].live = true;
	m->process[0].pid = getpid();
	m->process[0].turn = 1;
	work();
}

/* Room for the model, and for a log of so many operations. */
void session_init(unsigned int ops)
{
	m = common(sizeof(*m) + (ops + 1) * sizeof(struct op));
	/* The session's processes are this one's, however they were born. */
	CHECK(!prctl(PR_SET_CHILD_SUBREAPER, 1));
	signal(SIGCHLD, SIG_IGN);
}

/* Objects and their pages must all have gone with the processes. */
static void check_leaks(int fd, const struct tam_system_stats *before)
{
	struct tam_system_stats after;

	for (int i = 0; ; i++) {
		CHECK(!ioctl(fd, TAM_IOC_SYSTEM, &after));
		if (after.tam_objects == before->tam_objects &&
		    after.tam_held == before->tam_held)
			return;
		if (i == 40)
			break;
		usleep(50000);
	}
	m->failed = 1;
	snprintf(m->why, sizeof(m->why),
		 "left behind: objects %llu -> %llu, held %llu -> %llu",
		 before->tam_objects, after.tam_objects,
		 before->tam_held, after.tam_held);
}

bool session_run(const struct session *s, const struct op *log)
{
	static uint32_t outcomes[64][OUTCOMES];
	struct timespec second = { .tv_sec = 1 };
	struct tam_system_stats before;
	unsigned int position = 0, silence = 0;
	int fd = open_object();
	pid_t pid;

	CHECK(!ioctl(fd, TAM_IOC_SYSTEM, &before));
	memcpy(outcomes, m->outcomes, sizeof(outcomes));
	memset(m, 0, offsetof(struct model, buffer));
	memcpy(m->outcomes, outcomes, sizeof(outcomes));
	m->random = s->seed;
	m->processes = s->processes;
	m->threads = s->threads;
	m->replay = log;
	m->limit = s->ops;
	if (log)
		memcpy(m->log, log, s->ops * sizeof(*log));
	model_reset();

	fflush(stdout);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid)
		begin();
	while (!__atomic_load_n(&m->over, __ATOMIC_SEQ_CST)) {
		syscall(SYS_futex, &m->over, FUTEX_WAIT, 0, &second, NULL, 0);
		silence = m->position == position ? silence + 1 : 0;
		position = m->position;
		if (silence > s->silence) {
			m->failed = 1;
			snprintf(m->why, sizeof(m->why),
				 "nothing has happened for %u s", silence);
			break;
		}
	}
	if (m->failed)
		kill(-pid, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0 || errno != ECHILD)
		;
	if (!m->failed)
		check_leaks(fd, &before);
	close(fd);
	return !m->failed;
}
