/**
 * The audit log: one row for each change and each refused attempt, a hash chain per account, append-only.
 * The database appends: a trigger gives each record its place, its time and its hash, one after the other per
 * account, so that no writer can leave a gap or fork the chain. Triggers on the tables of configuration collect
 * what a transaction changes; a transaction that commits without saying who did it gets a record that says so.
 * docs/audit.md has the fields and the canonical form; whoever verifies computes the hashes without the database.
 */
const tables = `
create table audit_records (
  account_id text not null,
  -- gapless from 1
  seq bigint not null,
  version smallint not null,
  id text not null,
  occurred_at timestamptz not null, recorded_at timestamptz not null,
  actor_type text not null, actor_id text not null, on_behalf_of text, credential_id text, grant_id text,
  action text not null, operation text not null,
  object_type text, object_id text, root_type text, root_id text,
  outcome text not null check (outcome in ('success','refused')),
  reason text, before_digest text, after_digest text,
  -- JSON text as it was hashed: jsonb would reorder it
  changes text,
  source text not null, request_id text, trace_id text, workflow_id text, run_id text,
  producer text, producer_seq bigint,
  prev_hash bytea not null check (octet_length(prev_hash) = 32),
  hash bytea not null check (octet_length(hash) = 32),
  primary key (account_id, seq),
  unique (account_id, id)
);
-- No reference to accounts: the records of an account outlive it.
create index audit_records_occurred on audit_records (account_id, occurred_at, seq);
-- The key of an account's digests, as HMAC's two pads. Whoever deletes it makes the digests mean nothing; the
-- chain stays valid.
create table audit_keys (
  account_id text primary key,
  inner_pad bytea not null, outer_pad bytea not null,
  created_at timestamptz not null default now()
);
`;

const digests = `
create function audit_pad(key bytea, pad integer) returns bytea language plpgsql immutable as $$
declare
  block bytea := key || decode(repeat('00', 64 - octet_length(key)), 'hex');
begin
  for place in 0..63 loop
    block := set_byte(block, place, get_byte(block, place) # pad);
  end loop;
  return block;
end $$;
-- HMAC-SHA-256 with the account's own key, so that nobody finds a telephone number by trying them all.
create function audit_digest(account text, content text) returns text language plpgsql as $$
declare
  pads record;
  key bytea;
begin
  if content is null then
    return null;
  end if;
  select k.inner_pad, k.outer_pad into pads from audit_keys k where k.account_id = account;
  if not found then
    key := sha256(convert_to(gen_random_uuid()::text || gen_random_uuid() || gen_random_uuid(), 'UTF8'));
    insert into audit_keys (account_id, inner_pad, outer_pad)
      values (account, audit_pad(key, 54), audit_pad(key, 92)) on conflict do nothing;
    select k.inner_pad, k.outer_pad into pads from audit_keys k where k.account_id = account;
  end if;
  return encode(sha256(pads.outer_pad || sha256(pads.inner_pad || convert_to(content, 'UTF8'))), 'hex');
end $$;
`;

// Lines of one JSON object each in a setting that ends with the transaction (and goes with its savepoints).
const capture = `
create function audit_capture() returns trigger language plpgsql as $$
declare
  old_row jsonb := case when tg_op <> 'INSERT' then to_jsonb(old) end;
  new_row jsonb := case when tg_op <> 'DELETE' then to_jsonb(new) end;
  either jsonb := coalesce(new_row, old_row);
  account text := case when tg_table_name = 'accounts' then either ->> 'id' else either ->> 'account_id' end;
  captured integer := coalesce(nullif(current_setting('app.audit_captured', true), ''), '0')::integer;
  line text;
begin
  if old_row = new_row then
    return null;
  end if;
  line := json_build_object(
    'account', account, 'table', tg_table_name,
    'id', (select string_agg(either ->> key, '/' order by n) from unnest(tg_argv) with ordinality as keys (key, n)),
    'before', audit_digest(account, old_row::text), 'after', audit_digest(account, new_row::text),
    'fields', (
      select coalesce(json_agg(key order by key), '[]') from jsonb_object_keys(either) as keys (key)
      where old_row is not null and new_row is not null and old_row -> key is distinct from new_row -> key));
  perform set_config('app.audit_captured', (captured + 1)::text, true);
  if captured < 100 then
    perform set_config(
      'app.audit_changes', coalesce(current_setting('app.audit_changes', true), '') || line || E'\\n', true);
  else
    -- The rest is one hash over all of it: bounded, and still evidence.
    perform set_config(
      'app.audit_rest',
      encode(sha256(convert_to(coalesce(current_setting('app.audit_rest', true), '') || line, 'UTF8')), 'hex'), true);
  end if;
  return null;
end $$;
create function audit_unattributed() returns trigger language plpgsql as $$
declare
  account text;
begin
  if tg_table_name = 'accounts' then
    account := coalesce(new.id, old.id);
  else
    account := coalesce(new.account_id, old.account_id);
  end if;
  -- The first row's turn records all rows of its account; the others find nothing left.
  if position('"account" : ' || to_json(account) in coalesce(current_setting('app.audit_changes', true), '')) > 0 then
    insert into audit_records
      (account_id, id, actor_type, actor_id, action, operation, outcome, reason, source)
    values (
      account, 'U' || gen_random_uuid(), 'system', 'database/' || session_user,
      case tg_op when 'INSERT' then 'create' when 'UPDATE' then 'update' else 'delete' end, 'unattributed',
      'success', 'Changed in the database by nobody who said so.', 'database');
  end if;
  return null;
end $$;
-- For migrations to come: every table of configuration is watched.
create function audit_watch(name text, variadic keys text[]) returns void language plpgsql as $$
declare
  arguments text := (select string_agg(quote_literal(key), ', ' order by n) from unnest(keys) with ordinality as k (key, n));
begin
  execute format(
    'create trigger %1$s_audit after insert or update or delete on %1$I
       for each row execute function audit_capture(%2$s);
     create constraint trigger %1$s_audited after insert or update or delete on %1$I
       deferrable initially deferred for each row execute function audit_unattributed();', name, arguments);
end $$;
`;

const chain = `
create function audit_instant(at timestamptz) returns text language sql stable as $$
  select to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
$$;
create function audit_hash(r audit_records) returns bytea language sql stable as $$
  select sha256('\\x00'::bytea || string_agg(
    case when field is null then '\\xffffffff'::bytea
      else int4send(octet_length(convert_to(field, 'UTF8'))) || convert_to(field, 'UTF8') end,
    ''::bytea order by n) || r.prev_hash)
  from unnest(array[
    r.version::text, r.account_id, r.seq::text, r.id, audit_instant(r.occurred_at), audit_instant(r.recorded_at),
    r.actor_type, r.actor_id, r.on_behalf_of, r.credential_id, r.grant_id, r.action, r.operation,
    r.object_type, r.object_id, r.root_type, r.root_id, r.outcome, r.reason, r.before_digest, r.after_digest,
    r.changes, r.source, r.request_id, r.trace_id, r.workflow_id, r.run_id, r.producer, r.producer_seq::text
  ]) with ordinality as fields (field, n)
$$;
-- Puts what the transaction changed into the record that says who did it: the first one of this account.
create function audit_take(r audit_records) returns audit_records language plpgsql as $$
declare
  lines text := coalesce(current_setting('app.audit_changes', true), '');
  rest text := coalesce(current_setting('app.audit_rest', true), '');
  mine jsonb[];
  others text;
begin
  if lines = '' or r.outcome <> 'success' or r.producer is not null then
    return r;
  end if;
  select array_agg(line::jsonb - 'account' order by n) filter (where line::jsonb ->> 'account' = r.account_id),
    string_agg(line || E'\\n', '' order by n) filter (where line::jsonb ->> 'account' <> r.account_id)
    into mine, others
    from unnest(string_to_array(rtrim(lines, E'\\n'), E'\\n')) with ordinality as l (line, n);
  if mine is null then
    return r;
  end if;
  if rest <> '' then
    mine := mine || jsonb_build_object(
      'more', current_setting('app.audit_captured')::integer - 100, 'after', rest);
  end if;
  perform set_config('app.audit_changes', coalesce(others, ''), true);
  perform set_config('app.audit_captured', '', true);
  perform set_config('app.audit_rest', '', true);
  if r.object_type is null then
    r.object_type := mine[1] ->> 'table';
    r.object_id := mine[1] ->> 'id';
  end if;
  r.before_digest := mine[1] ->> 'before';
  r.after_digest := mine[1] ->> 'after';
  r.changes := to_jsonb(mine)::text;
  return r;
end $$;
create function audit_append() returns trigger language plpgsql as $$
declare
  last record;
begin
  -- One after the other per account: a second writer would follow the same record. Held until the commit.
  perform pg_advisory_xact_lock(hashtextextended('audit/' || new.account_id, 0));
  select a.seq, a.hash into last from audit_records a
    where a.account_id = new.account_id order by a.seq desc limit 1;
  new := audit_take(new);
  if new.object_type is null then
    new.object_type := new.root_type;
    new.object_id := new.root_id;
  end if;
  if new.root_type is null then
    new.root_type := new.object_type;
    new.root_id := new.object_id;
  end if;
  new.version := 1;
  new.seq := coalesce(last.seq, 0) + 1;
  new.prev_hash := coalesce(last.hash, decode(repeat('00', 32), 'hex'));
  new.recorded_at := date_trunc('milliseconds', clock_timestamp());
  new.occurred_at := coalesce(date_trunc('milliseconds', new.occurred_at), new.recorded_at);
  new.hash := audit_hash(new);
  return new;
end $$;
create trigger audit_records_append before insert on audit_records
  for each row execute function audit_append();
create function audit_keep() returns trigger language plpgsql as $$
begin
  raise exception 'audit records are never changed or removed' using errcode = 'insufficient_privilege';
end $$;
create trigger audit_records_keep before update or delete on audit_records
  for each row execute function audit_keep();
-- A row trigger never fires on TRUNCATE.
create trigger audit_records_keep_all before truncate on audit_records
  for each statement execute function audit_keep();
-- Even where session_replication_role says that triggers rest.
alter table audit_records enable always trigger audit_records_keep;
alter table audit_records enable always trigger audit_records_keep_all;
`;

const rights = `
alter table audit_records enable row level security;
alter table audit_records force row level security;
create policy audit_records_tenant on audit_records
  using (account_id = (select current_account()))
  with check (account_id = (select current_account()));
create policy audit_records_directory on audit_records for select to pdlite_directory using (true);
grant select, insert on audit_records to pdlite_app;
grant select on audit_records to pdlite_directory;
alter table audit_keys enable row level security;
alter table audit_keys force row level security;
create policy audit_keys_tenant on audit_keys
  using (account_id = (select current_account()))
  with check (account_id = (select current_account()));
grant select, insert on audit_keys to pdlite_app;
`;

const configuration = [
  ['accounts', 'id'],
  ['users', 'id'],
  ['contact_methods', 'id'],
  ['notification_rules', 'id'],
  ['teams', 'id'],
  ['team_members', 'team_id', 'user_id'],
  ['schedules', 'id'],
  ['schedule_overrides', 'id'],
  ['escalation_policies', 'id'],
  ['services', 'id'],
  ['integrations', 'id'],
  ['api_keys', 'id'],
];

export async function up(knex) {
  await knex.raw(tables + digests + capture + chain + rights);
  for (const [name, ...keys] of configuration) {
    const places = keys.map(() => '?').join(', ');
    await knex.raw(`select audit_watch(?, variadic array[${places}]::text[])`, [name, ...keys]);
  }
}

export function down() {
  throw new Error('Migrations go forward only.');
}
