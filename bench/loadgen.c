/* FreeSWITCH's part of the outbound event socket, many calls at a time: the load of `python -m bench`.
 *
 * For each session: connect, wait for a command, answer `connect` with recorded channel data and anything else
 * with +OK, until the server closes. On `exit` it says good-bye and closes, as mod_event_socket does (greenswitch
 * waits for that). Each session gets a UUID of its own. One thread, epoll, no allocation while it runs.
 *
 * usage: loadgen PORT DATA-FILE IN-FLIGHT SECONDS COUNT     (COUNT 0: until the time is over)
 * prints one line of JSON; exits with 2 when nothing can be measured.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { IN_SIZE = 16384, MAX_UUIDS = 64, TIMEOUT_S = 10, MAX_IN_FLIGHT = 4096 };
static const char REPLY[] = "Content-Type: command/reply\nReply-Text: +OK\n\n";
static const char BYE[] = "Content-Type: command/reply\nReply-Text: +OK bye\n\n"
                          "Content-Type: text/disconnect-notice\nContent-Disposition: disconnect\n"
                          "Content-Length: 67\n\n"
                          "Disconnected, goodbye.\nSee you at ClueCon! http://www.cluecon.com/\n";

typedef struct {
    int fd; /* -1: no session */
    uint64_t start, verdict;
    size_t in_len, out_len, out_cap;
    char in[IN_SIZE];
    char *out; /* what the kernel did not take yet */
} Session;

typedef struct {
    uint32_t *at;
    size_t len, cap;
} Samples; /* microseconds * 10 */

static struct sockaddr_in address;
static char *data; /* channel data */
static size_t data_len, uuid_at[MAX_UUIDS], uuid_count;
static Session *sessions;
static int epoll_fd, in_flight;
static uint64_t started, finished, failed, finished_in_time, deadline;
static long limit_count;
static Samples verdicts, closes;

static void die(const char *what) {
    fprintf(stderr, "loadgen: %s: %s\n", what, strerror(errno));
    exit(2);
}

static uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

static void add(Samples *s, uint64_t ns) {
    if (s->len == s->cap) {
        s->cap = s->cap ? s->cap * 2 : 1 << 16;
        s->at = realloc(s->at, s->cap * sizeof *s->at);
        if (!s->at) die("samples");
    }
    s->at[s->len++] = (uint32_t)(ns / 100);
}

static int by_value(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static double percentile(const Samples *s, double p) { /* of sorted samples, in microseconds */
    return s->len ? s->at[(size_t)((double)(s->len - 1) * p)] / 10.0 : 0.0;
}

static void read_data(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file) die(path);
    data = malloc(1 << 20);
    data_len = fread(data, 1, (1 << 20) - 1, file);
    data[data_len] = 0;
    fclose(file);
    char *line = strstr(data, "\nUnique-ID: ");
    if (!line) return;
    char uuid[37] = {0};
    memcpy(uuid, line + 12, 36);
    for (char *p = data; (p = strstr(p, uuid)) && uuid_count < MAX_UUIDS; p += 36)
        uuid_at[uuid_count++] = (size_t)(p - data) + 24;
}

static void next_uuid(void) { /* the last twelve digits of the UUID count the sessions */
    char digits[13];
    snprintf(digits, sizeof digits, "%012llx", (unsigned long long)started);
    for (size_t i = 0; i < uuid_count; i++) memcpy(data + uuid_at[i], digits, 12);
}

static void watch(Session *s, int op, uint32_t events) {
    struct epoll_event event = {.events = events, .data.ptr = s};
    if (epoll_ctl(epoll_fd, op, s->fd, &event)) die("epoll_ctl");
}

static void start(Session *s) {
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (s->fd < 0) die("socket");
    int one = 1;
    setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one); /* as mod_event_socket does */
    s->in_len = s->out_len = 0;
    s->verdict = 0;
    s->start = now_ns();
    started++;
    in_flight++;
    if (connect(s->fd, (struct sockaddr *)&address, sizeof address) && errno != EINPROGRESS) die("connect");
    watch(s, EPOLL_CTL_ADD, EPOLLIN);
}

static void finish(Session *s) { /* the server closed, or we did */
    uint64_t now = now_ns();
    close(s->fd);
    s->fd = -1;
    in_flight--;
    finished++;
    if (!s->verdict) {
        failed++;
    } else {
        if (now <= deadline) finished_in_time++;
        add(&verdicts, s->verdict - s->start);
        add(&closes, now - s->start);
    }
    if (now < deadline && (!limit_count || started < (uint64_t)limit_count)) start(s);
}

static int put(Session *s, const char *bytes, size_t len) { /* 0: the connection is broken */
    if (!s->out_len) {
        ssize_t n = send(s->fd, bytes, len, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN) return 0;
        if (n > 0) bytes += n, len -= (size_t)n;
        if (!len) return 1;
        watch(s, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
    }
    if (s->out_len + len > s->out_cap) {
        s->out_cap = s->out_len + len;
        s->out = realloc(s->out, s->out_cap);
        if (!s->out) die("output");
    }
    memcpy(s->out + s->out_len, bytes, len);
    s->out_len += len;
    return 1;
}

static int flush(Session *s) {
    ssize_t n = send(s->fd, s->out, s->out_len, MSG_NOSIGNAL);
    if (n < 0) return errno == EAGAIN;
    s->out_len -= (size_t)n;
    memmove(s->out, s->out + n, s->out_len);
    if (!s->out_len) watch(s, EPOLL_CTL_MOD, EPOLLIN);
    return 1;
}

static int answer(Session *s, char *command, size_t len) { /* 0: the session is over */
    while (len && *command == '\n') command++, len--;
    if (len == 7 && !memcmp(command, "connect", 7)) {
        next_uuid();
        return put(s, data, data_len);
    }
    if (len == 4 && !memcmp(command, "exit", 4)) {
        put(s, BYE, sizeof BYE - 1);
        shutdown(s->fd, SHUT_WR);
        return 0;
    }
    if (!s->verdict && memmem(command, len, "multiset", 8) && memmem(command, len, "fsdaemon_verdict=forward", 24))
        s->verdict = now_ns();
    return put(s, REPLY, sizeof REPLY - 1);
}

static int readable(Session *s) { /* 0: the session is over */
    ssize_t n = recv(s->fd, s->in + s->in_len, IN_SIZE - s->in_len, 0);
    if (n < 0) return errno == EAGAIN;
    if (n == 0) return 0;
    s->in_len += (size_t)n;
    char *at = s->in, *end;
    size_t left = s->in_len;
    while (left && (end = memmem(at, left, "\n\n", 2))) {
        char *length = memmem(at, (size_t)(end - at), "content-length: ", 16); /* of the argument that follows */
        size_t body = length ? strtoul(length + 16, NULL, 10) : 0, size = (size_t)(end + 2 - at) + body;
        if (size > left) break;
        if (!answer(s, at, body ? size : size - 2)) return 0;
        left -= size;
        at += size;
    }
    if (left == IN_SIZE) return 0; /* a command of more than 16 KB is none of ours */
    memmove(s->in, at, left);
    s->in_len = left;
    return 1;
}

static void sweep(int most) { /* sessions that got stuck */
    uint64_t old = now_ns() - TIMEOUT_S * 1000000000ull;
    for (int i = 0; i < most; i++)
        if (sessions[i].fd >= 0 && sessions[i].start < old) {
            sessions[i].verdict = 0;
            finish(&sessions[i]);
        }
}

static void run(int most) {
    struct epoll_event events[256];
    uint64_t next_sweep = now_ns();
    for (int i = 0; i < most; i++) sessions[i].fd = -1;
    for (int i = 0; i < most && (!limit_count || i < limit_count); i++) start(&sessions[i]);
    while (in_flight) {
        int n = epoll_wait(epoll_fd, events, 256, 200);
        for (int i = 0; i < n; i++) {
            Session *s = events[i].data.ptr;
            int fine = 1;
            if (events[i].events & EPOLLOUT) fine = flush(s);
            if (fine && events[i].events & ~(uint32_t)EPOLLOUT) fine = readable(s);
            if (!fine) finish(s);
        }
        if (now_ns() > next_sweep) {
            sweep(most);
            next_sweep = now_ns() + 1000000000ull;
        }
    }
}

static void report(double elapsed, double window) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double cpu = (double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec +
                 (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    qsort(verdicts.at, verdicts.len, sizeof *verdicts.at, by_value);
    qsort(closes.at, closes.len, sizeof *closes.at, by_value);
    printf("{\"sessions\": %llu, \"failures\": %llu, \"seconds\": %.4f, \"per_second\": %.1f, "
           "\"verdict_p50\": %.1f, \"verdict_p99\": %.1f, \"close_p50\": %.1f, \"close_p99\": %.1f, \"busy\": %.3f}\n",
           (unsigned long long)finished, (unsigned long long)failed, elapsed, (double)finished_in_time / window,
           percentile(&verdicts, 0.5), percentile(&verdicts, 0.99), percentile(&closes, 0.5),
           percentile(&closes, 0.99), cpu / elapsed);
}

int main(int argc, char **argv) {
    if (argc != 6) {
        fprintf(stderr, "usage: loadgen PORT DATA-FILE IN-FLIGHT SECONDS COUNT\n");
        return 2;
    }
    int most = atoi(argv[3]);
    double seconds = atof(argv[4]);
    limit_count = atol(argv[5]);
    if (most < 1 || most > MAX_IN_FLIGHT) return fprintf(stderr, "loadgen: IN-FLIGHT\n"), 2;
    address.sin_family = AF_INET;
    address.sin_port = htons((uint16_t)atoi(argv[1]));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    read_data(argv[2]);
    sessions = calloc((size_t)most, sizeof *sessions);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    uint64_t begin = now_ns();
    deadline = limit_count ? UINT64_MAX : begin + (uint64_t)(seconds * 1e9);
    run(most);
    double elapsed = (double)(now_ns() - begin) / 1e9;
    report(elapsed, limit_count ? elapsed : seconds);
    return 0;
}
