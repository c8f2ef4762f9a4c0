// The decision once more, in Lua, for Redis and Valkey to run where the records are. Floor 3: text, imports nothing.
//
// Plain Lua 5.1, as every Redis since 6.2 and every Valkey has it, with the libraries they bring (cjson, cmsgpack). It has
// no constants and no calendar: the host sends both. It is core/decide.ts line for line, and test/stores/twin.test.ts
// holds them equal, bit for bit: whole numbers below 2^53 are exact in Lua's doubles as they are in JavaScript's.
//
// A record is the MessagePack of `EncodedState` (core/state.ts): [1, at, level, window, used, [id, level, at] …].
//
// Both scripts that decide:
//   KEYS     of every ask in order: if its limits are `own`, its record, and its use where that is kept; then what is shared
//   ARGV[1]  JSON. Numbers arrive as numbers; a word that is missing is nil.
//     id         of the call: it is answered with it
//     now        ms since the Unix epoch; without it, the server's clock, read once
//     stepBack   ms: STEP_BACK           token, full   grains: TOKEN, FULL
//     use        {day, days}, where use is kept: how long a day is, in ms, and how many of them are kept
//     limits     each set of limits that the asks name, once:
//       own        whether there is a record of a (plan, key)
//       bucket     [rate, capacity] of the plan          draws   whether this method draws on it
//       method     [rate, capacity, id] of this method   methods  {id: [rate, capacity]} of the plan's others, for expiry
//       quota      {largest, bounds, limits}: window i is bounds[i] … bounds[i + 1]; around the host's now, the script picks
//       shared     [[rate, capacity] …]
//     asks       see each script
//   returns  a list of whole numbers per ask, in order, large ones as strings; or, of an ask that failed and left the others be, a string:
//            `!` and why, where nothing of it was written, `?` and why, where a part of it was; and last the call's id

/** What the scripts that decide begin with. */
const RECORDS = `
local call = cjson.decode(ARGV[1])
local now = call.now
if not now then
  local time = redis.call('TIME')
  now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end
local stepBack, token, full = call.stepBack, call.token, call.full
local max, protected, ask, type, pack, unpack = math.max, pcall, redis.pcall, type, cmsgpack.pack, cmsgpack.unpack
local AT, LEVEL, WINDOW, USED, METHODS = 2, 3, 4, 5, 6
local none = {}

-- Not a whole number from least to 2^53; of what is not a number at all, too.
local function isNot(n, least)
  return type(n) ~= 'number' or n % 1 ~= 0 or n < least or n > full
end

local function read(key)
  local raw = ask('GET', key)
  if not raw then return nil end
  if type(raw) == 'table' then return nil, '!' .. raw.err end
  local ok, r = protected(unpack, raw)
  if not ok or type(r) ~= 'table' or type(r[1]) ~= 'number' then return nil, '!UNREADABLE not a record: ' .. key end
  if r[1] ~= 1 then return nil, '!UNREADABLE record of version ' .. tostring(r[1]) .. ': ' .. key end
  local broken = isNot(r[AT], -full) or isNot(r[LEVEL], 0) or isNot(r[WINDOW], -full) or isNot(r[USED], 0)
  for i = METHODS, #r do
    local m = r[i]
    broken = broken or type(m) ~= 'table' or type(m[1]) ~= 'string' or isNot(m[2], 0) or isNot(m[3], -full)
  end
  if broken then return nil, '!UNREADABLE a broken record: ' .. key end
  return r
end

local function levelAfter(level, elapsed, rate, capacity)
  level = level + elapsed * rate
  return level < capacity and level or capacity
end

-- Answers each ask, with all of its records read before any is written. Its own one is at KEYS[k], and the use that
-- belongs to it at KEYS[k + 1]; the shared ones begin at KEYS[first].
local use = call.use
local function each(answer)
  local replies, k = {}, 1
  for i, asked in ipairs(call.asks) do
    local limits = call.limits[asked[1]]
    local shared, first = limits.shared, k
    local r, wrong
    if limits.own then
      r, wrong = read(KEYS[k])
      first = k + (use and 2 or 1)
    end
    local held = #shared > 0 and {} or none
    for j = 1, #shared do
      if not wrong then held[j], wrong = read(KEYS[first + j - 1]) end
    end
    replies[i] = wrong or answer(limits, asked, r, held, k, first)
    k = first + #shared
  end
  replies[#call.asks + 1] = call.id
  return replies
end
`

/**
 * Decides, and writes what the decision leaves.
 *
 * asks: [limits (counted from 1), cost, 1 to charge or 0 to look] …
 *
 * returns `at level window used methodLevel`, then `at level` of each shared limit; and where it is not as plain as most,
 * an admission that was written down, `limitedBy retryAfter changed steppedBack`. limitedBy: 0 none, 1 method, 2 plan,
 * 3 quota, 4 … the shared ones. retryAfter: ms, -1 for never.
 */
export const TAKE: string = `${RECORDS}
local large = full / 2

local function msUntil(need, level, rate, capacity)
  if need <= level then return 0 end
  if need > capacity or rate == 0 then return math.huge end
  return math.ceil((need - level) / rate)
end

-- Sets a record, to expire when it cannot be told from none, nor could by a clock that steps back as far as it may.
local function write(key, r, fullAt)
  if fullAt == math.huge then return ask('SET', key, pack(r)).err end
  return ask('SET', key, pack(r), 'PX', fullAt + stepBack - now).err
end

-- A record that stays as it is still has to expire in time: where somebody persisted it, or its plan was edited.
local function heal(key, fullAt)
  local left, needed = ask('PTTL', key), fullAt + stepBack - now
  if type(left) ~= 'number' then return end
  if fullAt == math.huge then
    if left ~= -1 then ask('PERSIST', key) end
  elseif left < needed - 1000 then
    ask('PEXPIRE', key, needed)
  end
end

local function sharedAt(limit, r)
  local behind = r and r[AT] - now or 0
  local at = now
  if behind > 0 and behind <= stepBack then at = now + behind end
  local level = r and levelAfter(r[LEVEL], behind < 0 and -behind or 0, limit[1], limit[2]) or limit[2]
  local s = { 1, at, level, 0, 0 }
  for i = METHODS, r and #r or 0 do s[i] = r[i] end
  return s
end

-- A whole number as text: a command that is given numbers formats each anew, and these come again and again.
local texts = {}
local function textOf(n)
  local text = texts[n]
  if not text then
    text = string.format('%.0f', n)
    texts[n] = text
  end
  return text
end

-- Counts for the day, and forgets with a new one those that are over. Returns what went wrong; then it did not count.
local function count(key, at, cost)
  local day = math.floor(at / use.day)
  local used = ask('HINCRBY', key, textOf(day), textOf(cost))
  if type(used) == 'table' then return used.err end
  if used ~= cost then return end
  ask('PEXPIRE', key, (use.days + 1) * use.day)
  for _, old in ipairs(ask('HKEYS', key)) do
    if tonumber(old) < day - use.days then ask('HDEL', key, old) end
  end
end

local function judge(limits, asked, r, held, k, first)
  local bucket, method, quota, shared = limits.bucket, limits.method, limits.quota, limits.shared
  local cost, charge = asked[2], asked[3]
  local need = cost * token

  local behind = r and r[AT] - now or 0
  local steppedBack = behind > stepBack and behind or 0
  local at = now
  if behind > 0 and steppedBack == 0 then at = now + behind end
  local elapsed = behind < 0 and -behind or 0

  -- Look at everything, in the order of report: the method's throttle, the plan's, the quota, what clients share.
  local limitedBy, readyAt = 0, now

  local methodLevel, own = 0, nil
  if method then
    methodLevel = method[2]
    for i = METHODS, r and #r or 0 do
      if r[i][1] == method[3] then
        own = i
        methodLevel = levelAfter(r[i][2], max(0, at - r[i][3]), method[1], method[2])
        break
      end
    end
    if methodLevel < need then
      limitedBy = 1
      readyAt = at + msUntil(need, methodLevel, method[1], method[2])
    end
  end

  local level = full
  if bucket then level = r and levelAfter(r[LEVEL], elapsed, bucket[1], bucket[2]) or bucket[2] end
  if limits.draws and level < need then
    if limitedBy == 0 then limitedBy = 2 end
    readyAt = max(readyAt, at + msUntil(need, level, bucket[1], bucket[2]))
  end

  local window, used = r and r[WINDOW] or 0, r and r[USED] or 0
  local windowEnd
  if quota then
    local bounds, i = quota.bounds, 1
    while bounds[i + 1] and at >= bounds[i + 1] do i = i + 1 end
    windowEnd = bounds[i + 1]
    if not windowEnd or at < bounds[1] then return '!CLOCK ' .. string.format('%.0f', at) end
    if window ~= bounds[i] and steppedBack == 0 then used = 0 end
    window = bounds[i]
    if cost > 0 and used + cost > quota.limits[i] then
      if limitedBy == 0 then limitedBy = 3 end
      readyAt = cost > quota.largest and math.huge or max(readyAt, windowEnd)
    end
  end

  local setBack = steppedBack
  local seen = #shared > 0 and {} or none
  for i = 1, #shared do
    local limit = shared[i]
    local s = sharedAt(limit, held[i])
    seen[i] = s
    if held[i] then setBack = max(setBack, held[i][AT] - s[AT]) end
    if s[LEVEL] < need then
      if limitedBy == 0 then limitedBy = 3 + i end
      readyAt = max(readyAt, s[AT] + msUntil(need, s[LEVEL], limit[1], limit[2]))
    end
  end

  -- Take from all, or from none.
  local taken = limitedBy == 0 and need or 0
  local changed = taken > 0 or setBack > 0
  if limits.draws then level = level - taken end
  methodLevel = methodLevel - taken
  if taken > 0 then used = used + cost < full and used + cost or full end
  for i = 1, #shared do seen[i][LEVEL] = seen[i][LEVEL] - taken end

  -- Use first, which can fail where the record cannot: where it does, nothing is written.
  local wrong
  local counts = charge == 1 and taken > 0 and limits.own and use
  if counts then
    wrong = count(KEYS[k + 1], at, cost)
    if wrong then return '!' .. wrong end
  end
  if charge == 1 and limits.own and (changed or r) then
    local fullAt = at
    if bucket then fullAt = max(fullAt, at + msUntil(bucket[2], level, bucket[1], bucket[2])) end
    if quota and used > 0 then fullAt = max(fullAt, windowEnd) end
    -- From here on r is the record as it is left: the other methods' buckets, then this one's.
    r = r or { 1 }
    r[AT], r[LEVEL], r[WINDOW], r[USED] = at, level, window, used
    if own then own = table.remove(r, own) end
    for i = METHODS, #r do
      local m = r[i]
      if steppedBack > 0 and m[3] > at then m[3] = at end
      local limit = limits.methods and limits.methods[m[1]]
      if limit then fullAt = max(fullAt, m[3] + msUntil(limit[2], m[2], limit[1], limit[2])) end
    end
    if method then
      own = own or { method[3] }
      own[2], own[3] = methodLevel, at
      r[#r + 1] = own
      fullAt = max(fullAt, at + msUntil(method[2], methodLevel, method[1], method[2]))
    end
    if changed then
      wrong = write(KEYS[k], r, fullAt)
      if wrong then return (counts and '?' or '!') .. wrong end
    else
      heal(KEYS[k], fullAt)
    end
  end
  for i = 1, #shared do
    local limit, s = shared[i], seen[i]
    local fullAt = s[AT] + msUntil(limit[2], s[LEVEL], limit[1], limit[2])
    if charge == 1 and changed then
      wrong = write(KEYS[first + i - 1], s, fullAt)
      if wrong then return (i == 1 and first == k and '!' or '?') .. wrong end
    elseif charge == 1 and held[i] then
      heal(KEYS[first + i - 1], fullAt)
    end
  end

  local reply = { at, level, window, used, methodLevel }
  for i = 1, #shared do
    reply[#reply + 1] = seen[i][AT]
    reply[#reply + 1] = seen[i][LEVEL]
  end
  if taken == 0 or setBack > 0 then
    local wait = readyAt == math.huge and -1 or readyAt - now
    for _, n in ipairs({ limitedBy, wait, changed and 1 or 0, setBack }) do reply[#reply + 1] = n end
  end
  -- Clients lose the last bits of integers close to 2^53 and beyond; not of strings.
  for i = 1, #reply do
    local n = reply[i]
    if n > large or n < -large then reply[i] = string.format('%.0f', n) end
  end
  return reply
end

return each(judge)
`

/**
 * Puts back what an admitted request took.
 *
 * asks: [limits (counted from 1), cost, at, level, window, methodLevel, [[at, level] … of the shared ones]] …, all as the
 * decision that admitted it left them
 *
 * returns 1
 */
export const GIVE_BACK: string = `${RECORDS}
local function putBack(limit, level, left, elapsed, cost, again)
  local need = cost * token
  local room = again and need - elapsed * limit[1] or limit[2] - levelAfter(left, elapsed, limit[1], limit[2])
  return max(level, math.min(limit[2], level + math.min(need, room)))
end

-- Where a record says when it was last given something, and whether that is since then.
local function giftOf(r, at)
  for i = METHODS, #r do
    if r[i][1] == '' then return i, r[i][3] >= at end
  end
end

local function afterGift(r, i)
  if i then table.remove(r, i) end
  r[#r + 1] = { '', 0, r[AT] }
end

-- It expires when it was going to: by then it is as full as it would have been.
local function write(key, r)
  return ask('SET', key, pack(r), 'KEEPTTL').err
end

-- Takes from what was counted on the day of the request, down to 0. Returns whether it did, and what went wrong.
local function uncount(key, at, cost)
  local day = math.floor(at / use.day)
  local used = ask('HGET', key, day)
  if type(used) == 'table' then return false, used.err end
  used = tonumber(used or 0) or 0
  if used <= 0 then return false end
  used = ask('HINCRBY', key, day, -math.min(used, cost))
  return true, type(used) == 'table' and used.err
end

local function giveBack(limits, asked, r, held, k, first)
  local cost, at, level, window, methodLevel, sharedLeft =
    asked[2], asked[3], asked[4], asked[5], asked[6], asked[7]
  local wrote, wrong = false, nil
  if limits.own and use then
    wrote, wrong = uncount(KEYS[k + 1], at, cost)
    if wrong then return '!' .. wrong end
  end
  if r then
    local elapsed = max(0, now - at, r[AT] - at)
    local gift, again = giftOf(r, at)
    local before = r[LEVEL]
    if limits.draws then r[LEVEL] = putBack(limits.bucket, before, level, elapsed, cost, again) end
    local isGift = r[LEVEL] > before
    if r[WINDOW] == window then r[USED] = max(0, r[USED] - cost) end
    for i = METHODS, #r do
      local m = r[i]
      if limits.method and m[1] == limits.method[3] then
        before = m[2]
        m[2] = putBack(limits.method, before, methodLevel, elapsed, cost, again)
        isGift = isGift or m[2] > before
      end
    end
    if isGift then afterGift(r, gift) end
    wrong = write(KEYS[k], r)
    if wrong then return (wrote and '?' or '!') .. wrong end
    wrote = true
  end
  for i, limit in ipairs(limits.shared) do
    local s = held[i]
    if s then
      local left = sharedLeft[i]
      local gift, again = giftOf(s, left[1])
      local before = s[LEVEL]
      s[LEVEL] = putBack(limit, before, left[2], max(0, now - left[1], s[AT] - left[1]), cost, again)
      if s[LEVEL] > before then afterGift(s, gift) end
      wrong = write(KEYS[first + i - 1], s)
      if wrong then return (wrote and '?' or '!') .. wrong end
      wrote = true
    end
  end
  return { 1 }
end

return each(giveBack)
`

/** Reads use: of each of KEYS day, used …; and last the call's id. */
export const USAGE: string = `
local replies = {}
for i, key in ipairs(KEYS) do
  local held = redis.pcall('HGETALL', key)
  replies[i] = held.err and '!' .. held.err or held
end
replies[#KEYS + 1] = cjson.decode(ARGV[1]).id
return replies
`

/** The names the server knows them by: SHA-1 in hex, held by a test. */
export const TAKE_SHA: string = '0a7cc65b43e0ce0822db0719e1d72e30edcf32a6'
export const GIVE_BACK_SHA: string = 'c9be03e1f55de432d915aa2390f7dc9543e3232c'
export const USAGE_SHA: string = 'a9dc3ba08b30b8fb54e5d239bc53db74023c11ef'
