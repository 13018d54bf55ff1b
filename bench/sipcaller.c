/* Calls at a steady rate: INVITE, wait for the final answer, ACK. The load of `python -m bench --fs`.
 *
 * An open loop: the next call comes when it is due, however slow the switch is. Time is measured in microseconds
 * from the INVITE to its final answer (sipp knows whole milliseconds only). INVITEs are sent again as RFC 3261
 * wants it (T1 = 500 ms). One UDP socket, one thread.
 *
 * usage: sipcaller PORT USER RATE SECONDS EXPECTED-STATUS
 * prints one line of JSON; exits with 2 when nothing can be measured.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { TIMEOUT_MS = 10000, T1_MS = 500 };

typedef struct {
    uint64_t sent, due; /* ns; due: when to send it again, 0: never */
    uint64_t wait;
    int status; /* of the final answer; 0: none yet, -1: given up */
    uint32_t took; /* microseconds * 10 */
} Call;

static struct sockaddr_in address;
static int fd, port, local_port, expected;
static const char *user;
static unsigned run;
static Call *calls;
static long total, placed, done, resent;
static uint64_t worst_lag;

static void die(const char *what) {
    fprintf(stderr, "sipcaller: %s: %s\n", what, strerror(errno));
    exit(2);
}

static uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

static void transmit(const char *text, int len) {
    if (send(fd, text, (size_t)len, 0) < 0 && errno != EAGAIN) die("send (is the switch gone?)");
}

static void invite(long i) {
    static const char SDP[] = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
                              "m=audio 4000 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\n";
    char text[2048];
    int n = snprintf(text, sizeof text,
                     "INVITE sip:%s@127.0.0.1:%d SIP/2.0\r\n"
                     "Via: SIP/2.0/UDP 127.0.0.1:%d;branch=z9hG4bK%x-%ld;rport\r\n"
                     "Max-Forwards: 70\r\n"
                     "From: \"Sina Sekretariat\" <sip:101@127.0.0.1>;tag=%x-%ld\r\n"
                     "To: <sip:%s@127.0.0.1:%d>\r\n"
                     "Call-ID: %x-%ld@bench\r\nCSeq: 1 INVITE\r\n"
                     "Contact: <sip:101@127.0.0.1:%d>\r\n"
                     "Content-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s",
                     user, port, local_port, run, i, run, i, user, port, run, i, local_port,
                     (int)sizeof SDP - 1, SDP);
    transmit(text, n);
}

static void ack(long i, const char *to, int to_len) {
    char text[1024];
    int n = snprintf(text, sizeof text,
                     "ACK sip:%s@127.0.0.1:%d SIP/2.0\r\n"
                     "Via: SIP/2.0/UDP 127.0.0.1:%d;branch=z9hG4bK%x-%ld;rport\r\n"
                     "Max-Forwards: 70\r\n"
                     "From: \"Sina Sekretariat\" <sip:101@127.0.0.1>;tag=%x-%ld\r\n"
                     "To: %.*s\r\nCall-ID: %x-%ld@bench\r\nCSeq: 1 ACK\r\nContent-Length: 0\r\n\r\n",
                     user, port, local_port, run, i, run, i, to_len, to, run, i);
    if (n < (int)sizeof text) transmit(text, n);
}

static void receive(char *text, ssize_t len) {
    text[len] = 0;
    int status = 0;
    unsigned which = 0;
    long i = -1;
    char *id = strstr(text, "\nCall-ID: "), *to = strstr(text, "\nTo: ");
    if (sscanf(text, "SIP/2.0 %d", &status) != 1 || !id || !to || !strstr(text, " INVITE\r\n")) return;
    if (sscanf(id, "\nCall-ID: %x-%ld@bench", &which, &i) != 2 || which != run || i < 0 || i >= placed) return;
    Call *call = &calls[i];
    call->due = 0; /* it was heard */
    if (status < 200) return;
    to += 5;
    ack(i, to, (int)strcspn(to, "\r\n"));
    if (call->status) return; /* the answer once more, because our ACK was late */
    call->took = (uint32_t)((now_ns() - call->sent) / 100);
    call->status = status;
    done++;
}

static void drain(void) {
    static char text[65536];
    ssize_t len;
    while ((len = recv(fd, text, sizeof text - 1, MSG_DONTWAIT)) > 0) receive(text, len);
}

static void overdue(uint64_t now) { /* send again, or give up */
    for (long i = 0; i < placed; i++) {
        Call *call = &calls[i];
        if (call->status) continue;
        if (now - call->sent > TIMEOUT_MS * 1000000ull) {
            call->status = -1;
            done++;
        } else if (call->due && now > call->due) {
            invite(i);
            resent++;
            call->wait *= 2;
            call->due = now + call->wait;
        }
    }
}

static void place(uint64_t now) {
    Call *call = &calls[placed];
    call->sent = now;
    call->wait = T1_MS * 1000000ull;
    call->due = now + call->wait;
    invite(placed++);
}

static void loop(double rate) {
    uint64_t begin = now_ns(), next_check = begin;
    while (done < total) {
        uint64_t now = now_ns();
        uint64_t next = begin + (uint64_t)((double)placed * 1e9 / rate);
        if (placed < total && now >= next) {
            if (now - next > worst_lag) worst_lag = now - next;
            place(now);
            continue;
        }
        if (now > next_check) {
            overdue(now);
            next_check = now + 50000000ull;
        }
        uint64_t until = placed < total && next < next_check ? next : next_check;
        struct timespec wait = {.tv_sec = 0, .tv_nsec = until > now ? (long)(until - now) : 0};
        struct pollfd poller = {.fd = fd, .events = POLLIN};
        if (ppoll(&poller, 1, &wait, NULL) > 0) drain();
    }
}

static int by_value(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void report(void) {
    uint32_t *took = calloc((size_t)total, sizeof *took);
    long n = 0, wrong = 0;
    for (long i = 0; i < total; i++) {
        if (calls[i].status > 0) took[n++] = calls[i].took;
        if (calls[i].status != expected) wrong++;
    }
    qsort(took, (size_t)n, sizeof *took, by_value);
    double p[4] = {0.5, 0.95, 0.99, 1.0};
    for (int i = 0; i < 4; i++) p[i] = n ? took[(long)((double)(n - 1) * p[i])] / 10.0 : 0.0;
    printf("{\"calls\": %ld, \"failures\": %ld, \"unanswered\": %ld, \"resent\": %ld, \"p50\": %.1f, \"p95\": %.1f, "
           "\"p99\": %.1f, \"worst\": %.1f, \"lag\": %.1f}\n",
           total, wrong, total - n, resent, p[0], p[1], p[2], p[3], (double)worst_lag / 1000.0);
}

int main(int argc, char **argv) {
    if (argc != 6) {
        fprintf(stderr, "usage: sipcaller PORT USER RATE SECONDS EXPECTED-STATUS\n");
        return 2;
    }
    port = atoi(argv[1]);
    user = argv[2];
    double rate = atof(argv[3]);
    total = (long)(rate * atof(argv[4]));
    expected = atoi(argv[5]);
    if (total < 1) return fprintf(stderr, "sipcaller: no calls to place\n"), 2;
    calls = calloc((size_t)total, sizeof *calls);
    fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    address.sin_family = AF_INET;
    address.sin_port = htons((uint16_t)port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int size = 4 << 20;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    if (connect(fd, (struct sockaddr *)&address, sizeof address)) die("connect");
    struct sockaddr_in local;
    socklen_t len = sizeof local;
    getsockname(fd, (struct sockaddr *)&local, &len);
    local_port = ntohs(local.sin_port);
    run = (unsigned)(now_ns() ^ (uint64_t)getpid() << 16);
    loop(rate);
    report();
    return 0;
}
