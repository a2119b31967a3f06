/* The agent: one thread, which waits for the port, for signals, and for what its streams are connected to. */
#ifndef AGENT_AGENT_H
#define AGENT_AGENT_H

#include "protocol.h"
#include "sys.h"

enum { CHANNELS = 3 };
/* Bytes of what is told of a file at most, with its name and where it leads to. */
enum { LARGEST_ENTRY = 5 << 10 };
/* A stream's number once the host wants to hear nothing more of it. Numbers of the host begin at 1. */
enum { NOBODY = 0 };

enum kind {
  FREE,
  /* A program: its outputs are the channels OUT and ERR. */
  PROGRAM,
  /* A program at a terminal of its own. */
  TERMINAL,
  SOCKET,
  /* A file that is read, or a watch: what it gives is passed on. */
  SOURCE,
  FOLDER,
  /* A file that is written. */
  FILE_SINK,
  /* A process of the agent's own, whose exit status is the error number that the host gets. */
  TASK,
};

/* Of a file that is written: where it goes in the end. */
struct target {
  char path[4096], temporary[4096 + 32];
};

struct stream {
  uint32_t id;
  enum kind kind;
  /* Of its process; 0 once that has ended. */
  int32_t process, group;
  /* Its descriptors by channel, -1 where there is none. */
  int descriptors[CHANNELS];
  /* Bytes that the host takes by channel; of IN, those that it may be told of. */
  uint64_t credit[CHANNELS];
  /* By channel: its pipe has had many bytes at a time. */
  char is_bulk[CHANNELS];
  /* Of SOURCE: bytes that are left to be read. Of FILE_SINK: those that the host has still to send of its word. */
  uint64_t left;
  /* Of a watch: what is told, as inotify has it; 0 for others. */
  uint32_t mask;
  /* Input that its reader has not taken yet: PROTOCOL_INPUT_WINDOW bytes, or NULL. */
  char *input;
  size_t input_start, input_end;
  /* Of FILE_SINK; NULL where the file is written in place. */
  struct target *target;
  /* Of SOCKET: it is not connected yet. */
  int connecting;
  /* Why its output is not whole; 0 as long as it is. */
  uint32_t failure;
  /* The host has said that no more input comes. */
  int input_ends;
};

/* A request as it has come: texts end within it. */
struct request {
  const char *at, *end;
  int is_broken;
};
uint32_t take_u32(struct request *request);
uint64_t take_u64(struct request *request);
const char *take_text(struct request *request);
/* Texts behind their count, then NULL. Returns how many there are, or -1 if they are more than `most`. */
long take_texts(struct request *request, const char **to, long most);

/* line.c: the port. */
/* Finds it and opens it. Returns 0, or an error. */
long open_line(void);
int line_descriptor(void);
/* Takes what has come. Returns 0 if the host has hung up. */
int read_line(void (*take)(uint32_t id, int type, int channel, const char *payload, size_t bytes));
void flush_line(void);
int line_is_full(void);
int line_wants_room(void);
/* Bytes of a payload that there is room for; 0 if it is too little to begin with. */
size_t line_room(void);
/* Where the payload of the next frame goes, and that it is there. */
char *line_payload(void);
void line_send(uint32_t id, int type, int channel, size_t bytes);
/* Whether there is a pipe of the agent's own for line_move. */
int line_can_move(void);
/*
 * Sends what a pipe has, whose pages go to the port as they are. There is room (line_room). Returns bytes, 0 at the
 * pipe's end, or an error.
 */
long line_move(uint32_t id, int type, int channel, int from, size_t most);
void send_frame(uint32_t id, int type, int channel, const void *payload, size_t bytes);
void send_u32(uint32_t id, int type, int channel, uint32_t value);

/* streams.c */
struct stream *new_stream(uint32_t id, enum kind kind);
struct stream *find_stream(uint32_t id);
struct stream *stream_of_process(int32_t process);
/* The last frame of a stream: an error number, or 0. The stream is free behind it. */
void finish(struct stream *stream, uint32_t error);
void refuse(uint32_t id, long error);
void take_data(struct stream *stream, const char *bytes, size_t count);
void end_input(struct stream *stream);
void drop_output(struct stream *stream, int channel);
/* The host wants to hear nothing more of it, or is not there any more. What was started goes on. */
void forget(struct stream *stream);
void forget_all(void);
/* Waits until something can be done, and does it. */
void serve_streams(int signals, void (*on_signal)(void), void (*on_line)(void));
/* A stream may be over. */
void settle(struct stream *stream);

/* programs.c */
void start_program(uint32_t id, struct request *request);
void send_signal(struct stream *stream, uint32_t signal);
void resize(struct stream *stream, uint32_t columns, uint32_t rows);
/* Some children may have ended. Returns 0 if there is no room to tell of more. */
int reap(void);
void prepare_programs(const char *const *environment);

/* accounts.c: users by /etc/passwd and /etc/group. */
struct account {
  uint32_t uid, gid;
  char name[64], home[256], shell[256];
  uint32_t groups[64];
  long group_count;
};
/* `user` is a name or a number, with a group behind a colon; the agent's own if it is empty. Returns 0 if there is none. */
int find_account(const char *user, struct account *to);

/* files.c */
void open_source(uint32_t id, struct request *request);
void open_sink(uint32_t id, struct request *request);
void open_folder(uint32_t id, struct request *request);
void open_watch(uint32_t id, struct request *request);
/* The path of another folder, which is watched as well: the answer is its number, or 0. */
void watch_more(struct stream *stream, const char *bytes, size_t count);
void tell_state(uint32_t id, struct request *request);
void remove_path(uint32_t id, struct request *request);
void make_folder(uint32_t id, struct request *request);
void rename_path(uint32_t id, struct request *request);
void link_path(uint32_t id, struct request *request);
void change_mode(uint32_t id, struct request *request);
/* Entries of a folder as far as there is room for them. */
void list_more(struct stream *stream);
/* All of a file has come, or it is given up. Returns 0 or an error. */
long close_sink(struct stream *stream, int is_whole);

/* machine.c */
void connect_to(uint32_t id, struct request *request);
void set_time(uint32_t id, struct request *request);
void add_entropy(uint32_t id, struct request *request);
void set_hostname(uint32_t id, struct request *request);

#endif
