/* Users and their groups, by /etc/passwd and /etc/group. */
#include "agent.h"

static char file[64 << 10];

/* Copies a field of a line up to the next colon. Returns what is behind it; NULL if there is none. */
static const char *field(const char *line, char *to, size_t size) {
  size_t length = 0;
  while (line[length] != ':' && line[length] != '\n' && line[length] != 0) length++;
  size_t kept = length < size - 1 ? length : size - 1;
  memcpy(to, line, kept);
  to[kept] = 0;
  return line[length] == ':' ? line + length + 1 : NULL;
}

static const char *next_line(const char *line) {
  while (*line != '\n' && *line != 0) line++;
  return *line == '\n' ? line + 1 : NULL;
}

static int is_number(const char *text, uint32_t *value) {
  const char *end;
  *value = read_number(text, &end);
  return *text != 0 && *end == 0;
}

/* NAME:PASSWORD:UID:GID:COMMENT:HOME:SHELL */
static int take_user(const char *line, const char *name, uint32_t uid, int by_number, struct account *to) {
  char number[16], ignored[64];
  line = field(line, to->name, sizeof to->name);
  if (line == NULL || (!by_number && !equal(to->name, name))) return 0;
  if ((line = field(line, ignored, sizeof ignored)) == NULL) return 0;
  if ((line = field(line, number, sizeof number)) == NULL || !is_number(number, &to->uid)) return 0;
  if (by_number && to->uid != uid) return 0;
  if ((line = field(line, number, sizeof number)) == NULL || !is_number(number, &to->gid)) return 0;
  if ((line = field(line, ignored, sizeof ignored)) == NULL) return 0;
  if ((line = field(line, to->home, sizeof to->home)) != NULL) field(line, to->shell, sizeof to->shell);
  return 1;
}

static int find_user(const char *name, uint32_t uid, int by_number, struct account *to) {
  if (read_text("/etc/passwd", file, sizeof file) <= 0) return 0;
  for (const char *line = file; line != NULL; line = next_line(line))
    if (take_user(line, name, uid, by_number, to)) return 1;
  return 0;
}

/* Whether a list of names with commas has one of them. */
static int lists(const char *names, const char *name) {
  size_t length = length_of(name);
  for (const char *at = names; *at != '\n' && *at != 0;) {
    if (begins_with(at, name) && (at[length] == ',' || at[length] == '\n' || at[length] == 0)) return 1;
    while (*at != ',' && *at != '\n' && *at != 0) at++;
    if (*at == ',') at++;
  }
  return 0;
}

/* NAME:PASSWORD:GID:MEMBERS: finds a group by name, and the groups of a user. */
static int find_groups(const char *name, uint32_t *gid, struct account *member) {
  if (read_text("/etc/group", file, sizeof file) <= 0) return 0;
  const long most = sizeof member->groups / sizeof member->groups[0];
  for (const char *line = file; line != NULL; line = next_line(line)) {
    char group[64], ignored[64], number[16];
    uint32_t value;
    const char *at = field(line, group, sizeof group);
    if (at == NULL || (at = field(at, ignored, sizeof ignored)) == NULL) continue;
    if ((at = field(at, number, sizeof number)) == NULL || !is_number(number, &value)) continue;
    if (name != NULL && equal(group, name)) return *gid = value, 1;
    if (member != NULL && member->group_count < most && lists(at, member->name))
      member->groups[member->group_count++] = value;
  }
  return 0;
}

int find_account(const char *user, struct account *to) {
  char name[64], group[64] = "";
  memset(to, 0, sizeof *to);
  const char *rest = field(user, name, sizeof name);
  if (rest != NULL) field(rest, group, sizeof group);
  if (*name == 0) {
    to->uid = (uint32_t)syscall1(SYS_GETUID, 0);
    if (!find_user(NULL, to->uid, 1, to)) memcpy(to->name, "root", sizeof "root");
  } else if (is_number(name, &to->uid)) {
    const uint32_t uid = to->uid;
    if (!find_user(NULL, uid, 1, to)) {
      to->uid = to->gid = uid;
      memcpy(to->name, name, sizeof name);
    }
  } else if (!find_user(name, 0, 0, to)) return 0;
  if (*to->home == 0) append(to->home, sizeof to->home, "/");
  if (*to->shell == 0) append(to->shell, sizeof to->shell, "/bin/sh");
  find_groups(NULL, NULL, to);
  return *group == 0 || is_number(group, &to->gid) || find_groups(group, &to->gid, NULL);
}
