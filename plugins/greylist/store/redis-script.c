/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The Lua that runs in the server. The decision is decide.c's, word for word. */
#include "store/redis-private.h"

/* now(): seconds, the server's; ARGV[1] unless "0" (tests). read(): a living record or nil. */
#define PRELUDE                                                                                    \
    "local now = tonumber(ARGV[1])\n"                                                              \
    "if now == 0 then now = tonumber(redis.call('TIME')[1]) end\n"                                 \
    "local function parse(v)\n"                                                                    \
    "  local s, f, l, u, t, h = string.match(v,"                                                   \
    " '^(%d+)\\t(%d+)\\t(%d+)\\t(%d+)\\t(%d+)\\t(%x*)')\n"                                         \
    "  if not s then return nil end\n"                                                             \
    "  return {state = tonumber(s), first = tonumber(f), last = tonumber(l),"                      \
    " ends = tonumber(u), tries = tonumber(t), senders = h}\n"                                     \
    "end\n"                                                                                        \
    "local function lives(r) return r and (r.ends == 0 or r.ends > now) end\n"                     \
    "local function read(key)\n"                                                                   \
    "  local v = redis.call('GET', key)\n"                                                         \
    "  local r = v and parse(v)\n"                                                                 \
    "  if lives(r) then return r end\n"                                                            \
    "  return nil\n"                                                                               \
    "end\n"                                                                                        \
    "local function show(r)\n"                                                                     \
    "  return string.format('%d\\t%d\\t%d\\t%d\\t%d\\t%s', r.state, r.first, r.last, r.ends,"      \
    " r.tries, r.senders)\n"                                                                       \
    "end\n"

/*
 * KEYS: source, triplet, pair ("" none), rules. ARGV: now, flags, delay, retry window, pass
 * lifetime, auto-allow, the sender's number, the texts behind the source's and the triplet's
 * values, then the keys of the rules. States and words are the enumerations of entry.h and
 * decide.h.
 */
static const char decide[] =
    PRELUDE "local flags, delay, window = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])\n"
            "local lifetime, enough, number = tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7]\n"
            "local function has(bit) return math.floor(flags / bit) % 2 == 1 end\n"
            "local rule, blocked = -1, false\n"
            "for i = 10, #ARGV do\n"
            "  local v = redis.call('HGET', KEYS[4], ARGV[i])\n"
            "  if v then\n"
            "    local s, u = string.match(v, '^(%d+)\\t%d+\\t%d+\\t(%d+)')\n"
            "    if s and (u == '0' or tonumber(u) > now) then\n"
            "      rule, blocked = i - 10, s == '5'\n"
            "      break\n"
            "    end\n"
            "  end\n"
            "end\n"
            "local source, triplet = read(KEYS[1]), read(KEYS[2])\n"
            "local function mature()\n"
            "  if not triplet or triplet.state ~= 0 then return false end\n"
            "  local age = now - triplet.first\n"
            "  return age >= delay or age < -60\n"
            "end\n"
            "local function say()\n"
            "  if rule >= 0 then return blocked and 4 or 10 end\n"
            "  if has(2) then return 3 end\n"
            "  if source and source.state == 3 then return 8 end\n"
            "  if triplet and triplet.state == 1 then return 6 end\n"
            "  if source and source.state == 4 and has(4) then return 3 end\n"
            "  if mature() then return 5 end\n"
            "  if has(1) then return 7 end\n"
            "  if KEYS[3] ~= '' and read(KEYS[3]) then return 9 end\n"
            "  return triplet and 2 or 1\n"
            "end\n"
            "local word = say()\n"
            "local write_source, write_triplet = false, false\n"
            "local function touch(r)\n"
            "  local age = now - r.last\n"
            "  if age >= 0 and age < 3600 then return false end\n"
            "  r.last = now\n"
            "  r.ends = now + lifetime\n"
            "  return true\n"
            "end\n"
            "local function note_triplet(state)\n"
            "  local is_new = not triplet\n"
            "  if is_new then triplet = {first = now, tries = 0, senders = ''} end\n"
            "  triplet.state = state\n"
            "  triplet.tries = triplet.tries + 1\n"
            "  triplet.last = now\n"
            "  if state == 1 then triplet.ends = now + lifetime\n"
            "  elseif is_new then triplet.ends = now + window end\n"
            "  write_triplet = true\n"
            "end\n"
            "local function count_pass()\n"
            "  if enough == 0 or (source and source.state == 4) then return end\n"
            "  local s = source or {state = 2, first = now, last = now, ends = now, tries = 0, "
            "senders = ''}\n"
            "  local n = #s.senders / 8\n"
            "  local age = now - s.last\n"
            "  if n > 0 and age >= 0 and age < 3600 then return end\n"
            "  for i = 0, n - 1 do\n"
            "    if string.sub(s.senders, i * 8 + 1, i * 8 + 8) == number then return end\n"
            "  end\n"
            "  if n >= 8 then return end\n"
            "  s.senders = s.senders .. number\n"
            "  s.tries = s.tries + 1\n"
            "  s.last = now\n"
            "  s.ends = now + lifetime\n"
            "  if n + 1 >= enough then s.state = 3 end\n"
            "  source = s\n"
            "  write_source = true\n"
            "end\n"
            "if word == 3 and has(2) then\n"
            "  source = {state = 4, first = now, last = now, ends = now + window, tries = 1, "
            "senders = ''}\n"
            "  write_source = true\n"
            "elseif word == 6 then write_triplet = touch(triplet)\n"
            "elseif word == 8 then write_source = touch(source)\n"
            "elseif word == 5 then note_triplet(1) count_pass()\n"
            "elseif word == 7 then note_triplet(1)\n"
            "elseif word == 1 or word == 2 then note_triplet(0) end\n"
            "local function save(key, r, texts)\n"
            "  redis.call('SET', key, show(r) .. texts, 'EX', math.max(r.ends - now, 1))\n"
            "end\n"
            "if not has(8) then\n"
            "  if write_source then save(KEYS[1], source, ARGV[8]) end\n"
            "  if write_triplet then save(KEYS[2], triplet, ARGV[9]) end\n"
            "end\n"
            "local left = 0\n"
            "if word == 3 and source then left = source.ends - now\n"
            "elseif word == 1 or word == 2 then left = triplet.first + delay - now end\n"
            "return {word, triplet and triplet.tries or 0, triplet and math.max(now - "
            "triplet.first, 0) or 0,"
            " math.max(left, 0), math.max(rule, 0), source and show(source) or '',"
            " triplet and show(triplet) or ''}\n";

/* KEYS: one for each entry, rules under the key of their hash. ARGV: now, keep, then for each
 * entry: its value, its end, the field of a rule. Returns how many were written. */
static const char put[] =
    PRELUDE "local keep, n = ARGV[2] == '1', 0\n"
            "for i, key in ipairs(KEYS) do\n"
            "  local value, ends, field = ARGV[i * 3], tonumber(ARGV[i * 3 + 1]), ARGV[i * 3 + 2]\n"
            "  if field ~= '' then\n"
            "    redis.call('HSET', key, field, value)\n"
            "    n = n + 1\n"
            "  else\n"
            "    local old = keep and read(key)\n"
            "    if not (old and (old.state == 1 or old.state == 3 or old.state == 5)) then\n"
            "      if ends == 0 then redis.call('SET', key, value)\n"
            "      elseif ends > now then redis.call('SET', key, value, 'EX', ends - now)\n"
            "      else redis.call('DEL', key) end\n"
            "      n = n + 1\n"
            "    end\n"
            "  end\n"
            "end\n"
            "return n\n";

/* ARGV: cursor, count. Returns the next cursor and key, value, key, value ... */
static const char page[] =
    "local step = redis.call('SCAN', ARGV[1], 'MATCH', 'gl1:*', 'COUNT', ARGV[2])\n"
    "local out = {step[1]}\n"
    "for _, key in ipairs(step[2]) do\n"
    "  if key ~= 'gl1:key' and key ~= 'gl1:rules' then\n"
    "    local v = redis.call('GET', key)\n"
    "    if v then\n"
    "      out[#out + 1] = key\n"
    "      out[#out + 1] = v\n"
    "    end\n"
    "  end\n"
    "end\n"
    "return out\n";

static const char rules[] = "local step = redis.call('HSCAN', KEYS[1], ARGV[1], 'COUNT', ARGV[2])\n"
                            "local out = step[2]\n"
                            "table.insert(out, 1, step[1])\n"
                            "return out\n";

/* ARGV: cursor, count. Returns the next cursor, then kind and state of each entry found, as two
 * digits in one text. */
static const char count[] =
    "local step = redis.call('SCAN', ARGV[1], 'MATCH', 'gl1:*', 'COUNT', ARGV[2])\n"
    "local out = ''\n"
    "for _, key in ipairs(step[2]) do\n"
    "  local kind = string.match(key, '^gl1:p:') and '2' or string.match(key, '}:w$') and '1'\n"
    "    or string.match(key, '^gl1:{') and '0'\n"
    "  if kind then\n"
    "    local v = redis.call('GETRANGE', key, 0, 0)\n"
    "    if v ~= '' then out = out .. kind .. v end\n"
    "  elseif key == 'gl1:rules' then\n"
    "    for _, v in ipairs(redis.call('HVALS', key)) do\n"
    "      out = out .. '3' .. string.sub(v, 1, 1)\n"
    "    end\n"
    "  end\n"
    "end\n"
    "return {step[1], out}\n";

/* Rules that have ended; the rest the server does. */
static const char expire[] =
    PRELUDE "local all, n = redis.call('HGETALL', KEYS[1]), 0\n"
            "for i = 1, #all, 2 do\n"
            "  local ends = tonumber(string.match(all[i + 1], '^%d+\\t%d+\\t%d+\\t(%d+)'))\n"
            "  if ends and ends ~= 0 and ends <= now then\n"
            "    redis.call('HDEL', KEYS[1], all[i])\n"
            "    n = n + 1\n"
            "  end\n"
            "end\n"
            "return n\n";

static const char *const texts[GREY_N_SCRIPTS] = {decide, put, page, rules, count, expire};

const char *
grey_script_text(GreyScript script)
{
    return texts[script];
}

static gpointer
make_sums(gpointer unused)
{
    (void)unused;
    char **sums = g_new0(char *, GREY_N_SCRIPTS);
    for (guint i = 0; i < GREY_N_SCRIPTS; i++)
        sums[i] = g_compute_checksum_for_string(G_CHECKSUM_SHA1, texts[i], -1);
    return sums;
}

const char *
grey_script_sha(GreyScript script)
{
    static GOnce once = G_ONCE_INIT;
    return ((char **)g_once(&once, make_sums, NULL))[script];
}
