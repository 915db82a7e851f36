// Ids grow in the order of the rows given, which is the order of the events of each key.
export const INSERT = `
insert into spill (account_id, service_id, key, rank, due_at, event, bytes, claim, claimed_at)
select r.account_id, r.service_id, r.key, r.rank, now() + make_interval(secs => r.delay), r.event,
  octet_length(r.event), r.claim, case when r.claim is not null then now() end
from unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::float8[], $6::text[], $7::uuid[])
  with ordinality as r (account_id, service_id, key, rank, delay, event, claim, nr)
order by r.nr`;

export const LOOK = `
select
  exists (select 1 from spill s where s.parked_at is null and s.due_at <= now()) as backlog,
  not exists (select 1 from spill s where s.parked_at is null) as empty, pg_is_in_recovery() as standby,
  (select array_agg(k.key) from unnest($1::text[]) k (key) where exists (
    select 1 from spill s where s.parked_at is null and s.key = k.key)) as pending,
  l.row_count as rows, l.byte_count as bytes, l.parked_count as parked,
  coalesce(extract(epoch from now() - l.oldest_at) * 1000, 0)::float8 as oldest_ms
from spill_lease l`;

export const LAST = `
select s.id, s.event from spill s where s.parked_at is null and s.key = $1 order by s.id desc limit 1`;

export const LEAD = `
update spill_lease l set holder = $1, held_until = clock_timestamp() + make_interval(secs => $2)
where l.holder = $1 or l.held_until < clock_timestamp()`;

export const RELEASE = `
update spill_lease l set holder = null, held_until = '-infinity' where l.holder = $1`;

/** Keys taken from each rank of each account, and how many such groups. */
const IN_GROUP = 32;
const GROUPS = 500;

/**
 * First the groups (a rank of an account) that have rows, by jumping over the index, the best ranks first; then
 * the first keys of each, from one row to the next of another key, so that each row is looked at once at most: a
 * flood on one key holds nobody up; then all of a rank, accounts in turns, those first that were not served of late.
 */
export const PICK_KEYS = `
with recursive groups as (
  (select s.rank, s.account_id from spill s where s.parked_at is null
    order by s.rank, s.account_id limit 1)
  union all
  select n.rank, n.account_id from groups g cross join lateral (
    select s.rank, s.account_id from spill s
    where s.parked_at is null and (s.rank, s.account_id) > (g.rank, g.account_id)
    order by s.rank, s.account_id limit 1
  ) n
),
heads as (
  select g.rank, g.served, h.key, h.id, row_number() over (partition by g.rank, g.account_id order by h.id) as turn
  from (
    select *, array_position($3::text[], account_id) as served from groups limit ${GROUPS}
  ) g cross join lateral (
    with recursive found as (
      (select s.key, s.id, array[s.key] as keys from spill s
        where s.parked_at is null and s.rank = g.rank and s.account_id = g.account_id
          and s.due_at <= now() and s.key <> all ($1::text[])
        order by s.id limit 1)
      union all
      select n.key, n.id, f.keys || n.key from found f cross join lateral (
        select s.key, s.id from spill s
        where s.parked_at is null and s.rank = g.rank and s.account_id = g.account_id and s.id > f.id
          and s.due_at <= now() and s.key <> all ($1::text[]) and s.key <> all (f.keys)
        order by s.id limit 1
      ) n
      where cardinality(f.keys) < ${IN_GROUP}
    )
    select f.key, f.id from found f
  ) h
)
select h.key from heads h
order by h.rank, h.turn, h.served nulls first, h.id
limit $2::int * ${IN_GROUP}`;

/** Rows, and bytes of them, of one key that are read at once. */
const ROWS_OF_KEY = 1000;
const BYTES_OF_KEY = 1_000_000;

export const PICK_ROWS = `
select r.id, r.account_id, r.service_id, r.key, r.event, r.bytes, r.claim,
  coalesce(extract(epoch from now() - r.claimed_at) * 1000, 0)::float8 as claimed_ago_ms,
  (extract(epoch from now() - r.created_at) * 1000)::float8 as waited_ms
from unnest($1::text[]) with ordinality as k (key, nr) cross join lateral (
  select s.*, sum(s.bytes) over (order by s.id) - s.bytes as bytes_before
  from (select * from spill x where x.parked_at is null and x.key = k.key
    order by x.id limit ${ROWS_OF_KEY}) s
) r
where r.bytes_before < ${BYTES_OF_KEY}
order by k.nr, r.id`;

export const CLAIM = `
update spill s set claim = c.claim, claimed_at = now()
from unnest($2::bigint[], $3::uuid[]) as c (id, claim)
where s.id = c.id and exists (
  select 1 from spill_lease l where l.holder = $1 and l.held_until > clock_timestamp())`;

export const PARK = `
update spill s set parked_at = now(), parked_reason = left($2, 500) where s.id = any($1)`;

export const COUNT = `
update spill_lease l
set row_count = c.row_count, byte_count = c.byte_count, oldest_at = c.oldest_at, parked_count = c.parked_count
from (
  select count(*) filter (where s.parked_at is null) as row_count,
    coalesce(sum(s.bytes), 0) as byte_count,
    min(s.created_at) filter (where s.parked_at is null) as oldest_at,
    count(*) filter (where s.parked_at is not null) as parked_count
  from spill s
) c`;
