/**
 * The spill: accepted events that Temporal cannot take right now, until they are drained. Rows of all accounts
 * pass through it in batches, so it has a role of its own, `pdlite_intake`, which reads and writes these two
 * tables and nothing else; for everybody else row-level security holds as everywhere.
 */
const statements = `
create table spill (
  id bigint generated always as identity primary key,
  -- No foreign key: it would lock the account's row for each batch. What belongs to a deleted account is
  -- dropped when its turn comes.
  account_id text not null, service_id text not null,
  -- Id of the incident workflow: the order of ids is the order of events within a key.
  key text not null,
  -- 0 is drained first.
  rank smallint not null,
  -- Later than created_at: repeats of a key that has just been signalled wait for one another.
  due_at timestamptz not null,
  -- AlertEvent of domain/event.ts as JSON; nothing but the drainer looks into it.
  event text not null,
  bytes integer not null,
  -- Rows that went, or may have gone, to Temporal together, by one call whose outcome is not known yet.
  claim uuid, claimed_at timestamptz,
  -- Refused for good; kept for a person to look at.
  parked_at timestamptz, parked_reason text,
  created_at timestamptz not null default now()
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
create index spill_turn on spill (rank, account_id, id) where parked_at is null;
create index spill_key on spill (key, id) where parked_at is null;
create index spill_due on spill (due_at) where parked_at is null;
alter table spill enable row level security;
alter table spill force row level security;
create policy spill_tenant on spill
  using (account_id = (select current_account()))
  with check (account_id = (select current_account()));
create policy spill_intake on spill to pdlite_intake using (true) with check (true);
grant select, insert, update, delete on spill to pdlite_intake;

-- One row: who drains now and until when, and how full the spill was when last counted.
create table spill_lease (
  only_row boolean primary key default true check (only_row),
  holder text, held_until timestamptz not null default '-infinity',
  row_count bigint not null default 0, byte_count bigint not null default 0,
  oldest_at timestamptz, parked_count bigint not null default 0
);
insert into spill_lease default values;
alter table spill_lease enable row level security;
alter table spill_lease force row level security;
create policy spill_lease_intake on spill_lease to pdlite_intake using (true) with check (true);
grant select, update on spill_lease to pdlite_intake;
`;

export async function up(knex) {
  await knex.raw(statements);
}

export function down() {
  throw new Error('Migrations go forward only.');
}
