-- The schema as the migrations leave it, so that what a migration does is seen in a review. Nothing runs this
-- file. Written by `npm run gen` (or UPDATE=1 npx vitest run test/integration/schema.test.ts).

CREATE OR REPLACE FUNCTION public.audit_append()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
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
end $function$
;

CREATE OR REPLACE FUNCTION public.audit_capture()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
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
      'app.audit_changes', coalesce(current_setting('app.audit_changes', true), '') || line || E'\n', true);
  else
    -- The rest is one hash over all of it: bounded, and still evidence.
    perform set_config(
      'app.audit_rest',
      encode(sha256(convert_to(coalesce(current_setting('app.audit_rest', true), '') || line, 'UTF8')), 'hex'), true);
  end if;
  return null;
end $function$
;

CREATE OR REPLACE FUNCTION public.audit_digest(account text, content text)
 RETURNS text
 LANGUAGE plpgsql
AS $function$
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
end $function$
;

CREATE OR REPLACE FUNCTION public.audit_hash(r audit_records)
 RETURNS bytea
 LANGUAGE sql
 STABLE
AS $function$
  select sha256('\x00'::bytea || string_agg(
    case when field is null then '\xffffffff'::bytea
      else int4send(octet_length(convert_to(field, 'UTF8'))) || convert_to(field, 'UTF8') end,
    ''::bytea order by n) || r.prev_hash)
  from unnest(array[
    r.version::text, r.account_id, r.seq::text, r.id, audit_instant(r.occurred_at), audit_instant(r.recorded_at),
    r.actor_type, r.actor_id, r.on_behalf_of, r.credential_id, r.grant_id, r.action, r.operation,
    r.object_type, r.object_id, r.root_type, r.root_id, r.outcome, r.reason, r.before_digest, r.after_digest,
    r.changes, r.source, r.request_id, r.trace_id, r.workflow_id, r.run_id, r.producer, r.producer_seq::text
  ]) with ordinality as fields (field, n)
$function$
;

CREATE OR REPLACE FUNCTION public.audit_instant(at timestamp with time zone)
 RETURNS text
 LANGUAGE sql
 STABLE
AS $function$
  select to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
$function$
;

CREATE OR REPLACE FUNCTION public.audit_keep()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  raise exception 'audit records are never changed or removed' using errcode = 'insufficient_privilege';
end $function$
;

CREATE OR REPLACE FUNCTION public.audit_pad(key bytea, pad integer)
 RETURNS bytea
 LANGUAGE plpgsql
 IMMUTABLE
AS $function$
declare
  block bytea := key || decode(repeat('00', 64 - octet_length(key)), 'hex');
begin
  for place in 0..63 loop
    block := set_byte(block, place, get_byte(block, place) # pad);
  end loop;
  return block;
end $function$
;

CREATE OR REPLACE FUNCTION public.audit_take(r audit_records)
 RETURNS audit_records
 LANGUAGE plpgsql
AS $function$
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
    string_agg(line || E'\n', '' order by n) filter (where line::jsonb ->> 'account' <> r.account_id)
    into mine, others
    from unnest(string_to_array(rtrim(lines, E'\n'), E'\n')) with ordinality as l (line, n);
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
end $function$
;

CREATE OR REPLACE FUNCTION public.audit_unattributed()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
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
end $function$
;

CREATE OR REPLACE FUNCTION public.audit_watch(name text, VARIADIC keys text[])
 RETURNS void
 LANGUAGE plpgsql
AS $function$
declare
  arguments text := (select string_agg(quote_literal(key), ', ' order by n) from unnest(keys) with ordinality as k (key, n));
begin
  execute format(
    'create trigger %1$s_audit after insert or update or delete on %1$I
       for each row execute function audit_capture(%2$s);
     create constraint trigger %1$s_audited after insert or update or delete on %1$I
       deferrable initially deferred for each row execute function audit_unattributed();', name, arguments);
end $function$
;

CREATE OR REPLACE FUNCTION public.bump_directory()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
declare
  account text;
begin
  if tg_table_name = 'accounts' then
    account := coalesce(new.id, old.id);
  else
    account := coalesce(new.account_id, old.account_id);
  end if;
  perform pg_notify('directory', account);
  if tg_op = 'DELETE' and not exists (select 1 from accounts a where a.id = account) then
    return null;
  end if;
  insert into directory_versions as d (account_id, version) values (account, 1)
    on conflict (account_id) do update set version = d.version + 1;
  return null;
end $function$
;

CREATE OR REPLACE FUNCTION public.current_account()
 RETURNS text
 LANGUAGE plpgsql
 STABLE
AS $function$
declare
  account text := current_setting('app.account_id', true);
begin
  if account is null or account = '' then
    raise exception 'app.account_id is not set' using errcode = 'insufficient_privilege';
  end if;
  return account;
end $function$
;

create sequence spill_id_seq;

create table accounts (
  id text not null,
  subdomain text not null,
  name text not null,
  time_zone text not null default 'Etc/UTC'::text,
  catch_all_user_id text,
  owner_user_id text not null,
  require_reply_codes boolean not null default false,
  created_at timestamp with time zone not null default now(),
  constraint accounts_audited TRIGGER DEFERRABLE INITIALLY DEFERRED,
  constraint accounts_pkey PRIMARY KEY (id),
  constraint accounts_subdomain_key UNIQUE (subdomain),
  constraint accounts_subdomain_check CHECK (subdomain ~ '^[a-z0-9-]{1,40}$'::text)
);
alter table accounts enable row level security;
alter table accounts force row level security;
create policy accounts_directory on accounts for select to pdlite_directory using (true);
create policy accounts_tenant on accounts for all to public using ((id = ( SELECT current_account() AS current_account))) with check ((id = ( SELECT current_account() AS current_account)));
CREATE TRIGGER accounts_audit AFTER INSERT OR DELETE OR UPDATE ON accounts FOR EACH ROW EXECUTE FUNCTION audit_capture('id');
CREATE CONSTRAINT TRIGGER accounts_audited AFTER INSERT OR DELETE OR UPDATE ON accounts DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION audit_unattributed();
CREATE TRIGGER accounts_directory AFTER INSERT OR DELETE OR UPDATE ON accounts FOR EACH ROW EXECUTE FUNCTION bump_directory();
grant delete, insert, select, update on accounts to pdlite_app;
grant select on accounts to pdlite_directory;

create table api_keys (
  id text not null,
  account_id text not null,
  name text not null,
  key_hash text not null,
  user_id text,
  role text not null,
  read_only boolean not null default false,
  expires_at timestamp with time zone,
  created_at timestamp with time zone not null default now(),
  constraint api_keys_audited TRIGGER DEFERRABLE INITIALLY DEFERRED,
  constraint api_keys_pkey PRIMARY KEY (account_id, id),
  constraint api_keys_key_hash_key UNIQUE (key_hash),
  constraint api_keys_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(id) ON DELETE CASCADE,
  constraint api_keys_account_id_user_id_fkey FOREIGN KEY (account_id, user_id) REFERENCES users(account_id, id) ON DELETE CASCADE
);
alter table api_keys enable row level security;
alter table api_keys force row level security;
create policy api_keys_directory on api_keys for select to pdlite_directory using (true);
create policy api_keys_tenant on api_keys for all to public using ((account_id = ( SELECT current_account() AS current_account))) with check ((account_id = ( SELECT current_account() AS current_account)));
CREATE TRIGGER api_keys_audit AFTER INSERT OR DELETE OR UPDATE ON api_keys FOR EACH ROW EXECUTE FUNCTION audit_capture('id');
CREATE CONSTRAINT TRIGGER api_keys_audited AFTER INSERT OR DELETE OR UPDATE ON api_keys DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION audit_unattributed();
CREATE TRIGGER api_keys_directory AFTER INSERT OR DELETE OR UPDATE ON api_keys FOR EACH ROW EXECUTE FUNCTION bump_directory();
grant delete, insert, select, update on api_keys to pdlite_app;
grant select on api_keys to pdlite_directory;

create table audit_keys (
  account_id text not null,
  inner_pad bytea not null,
  outer_pad bytea not null,
  created_at timestamp with time zone not null default now(),
  constraint audit_keys_pkey PRIMARY KEY (account_id)
);
alter table audit_keys enable row level security;
alter table audit_keys force row level security;
create policy audit_keys_tenant on audit_keys for all to public using ((account_id = ( SELECT current_account() AS current_account))) with check ((account_id = ( SELECT current_account() AS current_account)));
grant insert, select on audit_keys to pdlite_app;

create table audit_records (
  account_id text not null,
  seq bigint not null,
  version smallint not null,
  id text not null,
  occurred_at timestamp with time zone not null,
  recorded_at timestamp with time zone not null,
  actor_type text not null,
  actor_id text not null,
  on_behalf_of text,
  credential_id text,
  grant_id text,
  action text not null,
  operation text not null,
  object_type text,
  object_id text,
  root_type text,
  root_id text,
  outcome text not null,
  reason text,
  before_digest text,
  after_digest text,
  changes text,
  source text not null,
  request_id text,
  trace_id text,
  workflow_id text,
  run_id text,
  producer text,
  producer_seq bigint,
  prev_hash bytea not null,
  hash bytea not null,
  constraint audit_records_pkey PRIMARY KEY (account_id, seq),
  constraint audit_records_account_id_id_key UNIQUE (account_id, id),
  constraint audit_records_hash_check CHECK (octet_length(hash) = 32),
  constraint audit_records_outcome_check CHECK (outcome = ANY (ARRAY['success'::text, 'refused'::text])),
  constraint audit_records_prev_hash_check CHECK (octet_length(prev_hash) = 32)
);
alter table audit_records enable row level security;
alter table audit_records force row level security;
CREATE INDEX audit_records_occurred ON audit_records USING btree (account_id, occurred_at, seq);
create policy audit_records_directory on audit_records for select to pdlite_directory using (true);
create policy audit_records_tenant on audit_records for all to public using ((account_id = ( SELECT current_account() AS current_account))) with check ((account_id = ( SELECT current_account() AS current_account)));
CREATE TRIGGER audit_records_append BEFORE INSERT ON audit_records FOR EACH ROW EXECUTE FUNCTION audit_append();
CREATE TRIGGER audit_records_keep BEFORE DELETE OR UPDATE ON audit_records FOR EACH ROW EXECUTE FUNCTION audit_keep();
CREATE TRIGGER audit_records_keep_all BEFORE TRUNCATE ON audit_records FOR EACH STATEMENT EXECUTE FUNCTION audit_keep();
grant insert, select on audit_records to pdlite_app;
grant select on audit_records to pdlite_directory;

create table change_events (
  id text not null,
  account_id text not null,
  service_id text not null,
  integration_id text not null,
  at timestamp with time zone not null,
  summary text not null,
  source text,
  event jsonb not null,
  constraint change_events_pkey PRIMARY KEY (account_id, id),
  constraint change_events_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(id) ON DELETE CASCADE
);
alter table change_events enable row level security;
alter table change_events force row level security;
CREATE INDEX change_events_service ON change_events USING btree (account_id, service_id, at DESC);
create policy change_events_directory on change_events for select to pdlite_directory using (true);
create policy change_events_tenant on change_events for all to public using ((account_id = ( SELECT current_account() AS current_account))) with check ((account_id = ( SELECT current_account() AS current_account)));
grant delete, insert, select, update on change_events to pdlite_app;

create table contact_methods (
  id text not null,
  account_id text not null,
  user_id text not null,
  channel text not null,
  label text not null,
  address text not null,
  secret text,
  verified_at timestamp with time zone,
  opted_out_at timestamp with time zone,
  created_at timestamp with time zone not null default now(),
  constraint contact_methods_audited TRIGGER DEFERRABLE INITIALLY DEFERRED,
  constraint contact_methods_pkey PRIMARY KEY (account_id, id),
  constraint contact_methods_account_id_user_id_channel_address_key UNIQUE (account_id, user_id, channel, address),
  constraint contact_methods_account_id_user_id_fkey FOREIGN KEY (account_id, user_id) REFERENCES users(account_id, id) ON DELETE CASCADE,
  constraint contact_methods_channel_check CHECK (channel = ANY (ARRAY['email'::text, 'sms'::text, 'voice'::text, 'push'::text, 'webhook'::text]))
);
alter table contact_methods enable row level security;
alter table contact_methods force row level security;
create policy contact_methods_directory on contact_methods for select to pdlite_directory using (true);
create policy contact_methods_tenant on contact_methods for all to public using ((account_id = ( SELECT current_account() AS current_account))) with check ((account_id = ( SELECT current_account() AS current_account)));
CREATE TRIGGER contact_methods_audit AFTER INSERT OR DELETE OR UPDATE ON contact_methods FOR EACH ROW EXECUTE FUNCTION audit_capture('id');
CREATE CONSTRAINT TRIGGER contact_methods_audited AFTER INSERT OR DELETE OR UPDATE ON contact_methods DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION audit_unattributed();
CREATE TRIGGER contact_methods_directory AFTER INSERT OR DELETE OR UPDATE ON contact_methods FOR EACH ROW EXECUTE FUNCTION bump_directory();
grant delete, insert, select, update on contact_methods to pdlite_app;
grant select on contact_methods to pdlite_directory;

create table contact_verifications (
  account_id text not null,
  user_id text not null,
  contact_method_id text not null,
  code_hash text not null,
  sent_at timestamp with time zone not null,
  expires_at timestamp with time zone not null,
  attempts integer not null default 0,
  constraint contact_verifications_pkey PRIMARY KEY (account_id, contact_method_id, sent_at),
  constraint contact_verifications_account_id_user_id_fkey FOREIGN KEY (account_id, user_id) REFERENCES users(account_id, id) ON DELETE CASCADE
);
alter table contact_verifications enable row level security;
alter table contact_verifications force row level security;
create policy contact_verifications_directory on contact_verifications for select to pdlite_directory using (true);
create policy contact_verifications_tenant on contact_verifications for all to public using ((account_id = ( SELECT current_account() AS current_account))) with check ((account_id = ( SELECT current_account() AS current_account)));
grant delete, insert, select, update on contact_verifications to pdlite_app;

create table directory_versions (
  account_id text not null,
  version bigint not null,
  constraint directory_versions_pkey PRIMARY KEY (account_id),
  constraint directory_versions_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(id) ON DELETE CASCADE
);
alter table directory_versions enable row level security;
alter table directory_versions force row level security;
create policy directory_versions_directory on directory_versions for select to pdlite_directory using (true);
create policy directory_versions_tenant on directory_versions for all to public using ((account_id = ( SELECT current_account() AS current_account))) with check ((account_id = ( SELECT current_account() AS current_account)));
grant delete, insert, select, update on directory_versions to pdlite_app;
grant select on directory_versions to pdlite_directory;

create table escalation_policies (
  id text not null,
  account_id text not null,
  name text not null,
  description text,
  num_loops integer not null default 0,
  rules jsonb not null,
  team_ids text[] not null default '{}'::text[],
  created_at timestamp with time zone not null default now(),
  constraint escalation_policies_audited TRIGGER DEFERRABLE INITIALLY DEFERRED,
  constraint escalation_policies_pkey PRIMARY KEY (account_id, id),
  constraint escalation_policies_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(id) ON DELETE CASCADE,
  constraint escalation_policies_num_loops_check CHECK (num_loops >= 0 AND num_loops <= 9)
);
alter table escalation_policies enable row level security;
alter table escalation_policies force row level security;
create policy escalation_policies_directory on escalation_policies for select to pdlite_directory using (true);
create policy escalation_policies_tenant on escalation_policies for all to public using ((account_id = ( SELECT current_account() AS current_account))) with check ((account_id = ( SELECT current_account() AS current_account)));
CREATE TRIGGER escalation_policies_audit AFTER INSERT OR DELETE OR UPDATE ON escalation_policies FOR EACH ROW EXECUTE FUNCTION audit_capture('id');
CREATE CONSTRAINT TRIGGER escalation_policies_audited AFTER INSERT OR DELETE OR UPDATE ON escalation_policies DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION audit_unattributed();
CREATE TRIGGER escalation_policies_directory AFTER INSERT OR DELETE OR UPDATE ON escalation_policies FOR EACH ROW EXECUTE FUNCTION bump_directory();
grant delete, insert, select, update on escalation_policies to pdlite_app;
grant select on escalation_policies to pdlite_directory;

create table incident_alert_keys (
  account_id text not null,
  alert_key text not null,
  incident_id text not null,
  constraint incident_alert_keys_pkey PRIMARY KEY (account_id, alert_key, incident_id),
  constraint incident_alert_keys_account_id_incident_id_fkey FOREIGN KEY (account_id, incident_id) REFERENCES incidents(account_id, id) ON DELETE CASCADE
);
alter table incident_alert_keys enable row level security;
alter table incident_alert_keys force row level security;
create policy incident_alert_keys_tenant on incident_alert_keys for all to public using ((account_id = ( SELECT current_account() AS current_account))) with check ((account_id = ( SELECT current_account() AS current_account)));
grant delete, insert, select, update on incident_alert_keys to pdlite_app;

create table incidents (
  id text not null,
  account_id text not null,
  number bigint not null,
  service_id text not null,
  escalation_policy_id text not null,
  status text not null,
  urgency text not null,
  title text not null,
  incident_key text,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  resolved_at timestamp with time zone,
  assignee_ids text[] not null,
  workflow_id text not null,
  run_id text not null,
  revision integer not null,
  view jsonb not null,
  projected_at timestamp with time zone not null default now(),
  constraint incidents_pkey PRIMARY KEY (account_id, id),
  constraint incidents_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(id) ON DELETE CASCADE
);
alter table incidents enable row level security;
alter table incidents force row level security;
CREATE INDEX incidents_created ON incidents USING btree (account_id, created_at DESC, id);
CREATE INDEX incidents_key ON incidents USING btree (account_id, incident_key);
CREATE INDEX incidents_low ON incidents USING btree (account_id, created_at, id) WHERE urgency = 'low'::text;
CREATE INDEX incidents_number ON incidents USING btree (account_id, number, id);
CREATE INDEX incidents_open ON incidents USING btree (account_id, created_at DESC) WHERE status <> 'resolved'::text;
CREATE INDEX incidents_resolved ON incidents USING btree (account_id, resolved_at, id);
CREATE INDEX incidents_service ON incidents USING btree (account_id, service_id, created_at DESC);
CREATE INDEX incidents_urgency ON incidents USING btree (account_id, (
CASE urgency
    WHEN 'high'::text THEN 1
    ELSE 0
END), id);
create policy incidents_directory on incidents for select to pdlite_directory using (true);
create policy incidents_tenant on incidents for all to public using ((account_id = ( SELECT current_account() AS current_account))) with check ((account_id = ( SELECT current_account() AS current_account)));
grant delete, insert, select, update on incidents to pdlite_app;

create table integrations (
  id text not null,
  account_id text not null,
  service_id text not null,
  name text not null,
  type text not null,
  key_hash text not null,
  lenient boolean not null default false,
  rate_limit_per_minute integer not null default 10000,
  mapping jsonb,
  created_at timestamp with time zone not null default now(),
  topic_arn text,
  heartbeat_timeout_sec integer,
  constraint integrations_audited TRIGGER DEFERRABLE INITIALLY DEFERRED,
  constraint integrations_pkey PRIMARY KEY (account_id, id),
  constraint integrations_key_hash_key UNIQUE (key_hash),
  constraint integrations_account_id_service_id_fkey FOREIGN KEY (account_id, service_id) REFERENCES services(account_id, id) ON DELETE CASCADE,
  constraint integrations_heartbeat_timeout_sec_check CHECK (heartbeat_timeout_sec >= 30 AND heartbeat_timeout_sec <= 604800),
  constraint integrations_rate_limit_per_minute_check CHECK (rate_limit_per_minute > 0)
);
alter table integrations enable row level security;
alter table integrations force row level security;
create policy integrations_directory on integrations for select to pdlite_directory using (true);
create policy integrations_tenant on integrations for all to public using ((account_id = ( SELECT current_account() AS current_account))) with check ((account_id = ( SELECT current_account() AS current_account)));
CREATE TRIGGER integrations_audit AFTER INSERT OR DELETE OR UPDATE ON integrations FOR EACH ROW EXECUTE FUNCTION audit_capture('id');
CREATE CONSTRAINT TRIGGER integrations_audited AFTER INSERT OR DELETE OR UPDATE ON integrations DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION audit_unattributed();
CREATE TRIGGER integrations_directory AFTER INSERT OR DELETE OR UPDATE ON integrations FOR EACH ROW EXECUTE FUNCTION bump_directory();
grant delete, insert, select, update on integrations to pdlite_app;
grant select on integrations to pdlite_directory;

create table log_entries (
  id text not null,
  account_id text not null,
  incident_id text not null,
  seq integer not null,
  type text not null,
  at timestamp with time zone not null,
  entry jsonb not null,
  projected_at timestamp with time zone not null default now(),
  constraint log_entries_pkey PRIMARY KEY (account_id, id),
  constraint log_entries_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(id) ON DELETE CASCADE
);
alter table log_entries enable row level security;
alter table log_entries force row level security;
CREATE INDEX log_entries_at ON log_entries USING btree (account_id, at DESC);
CREATE INDEX log_entries_incident ON log_entries USING btree (account_id, incident_id, at, seq);
create policy log_entries_directory on log_entries for select to pdlite_directory using (true);
create policy log_entries_tenant on log_entries for all to public using ((account_id = ( SELECT current_account() AS current_account))) with check ((account_id = ( SELECT current_account() AS current_account)));
grant delete, insert, select, update on log_entries to pdlite_app;
grant select (account_id) on log_entries to pdlite_directory;
grant select (id) on log_entries to pdlite_directory;
grant select (projected_at) on log_entries to pdlite_directory;

create table notification_rules (
  id text not null,
  account_id text not null,
  user_id text not null,
  urgency text not null,
  contact_method_id text not null,
  start_delay_in_minutes integer not null,
  constraint notification_rules_audited TRIGGER DEFERRABLE INITIALLY DEFERRED,
  constraint notification_rules_pkey PRIMARY KEY (account_id, id),
  constraint notification_rules_account_id_contact_method_id_fkey FOREIGN KEY (account_id, contact_method_id) REFERENCES contact_methods(account_id, id) ON DELETE CASCADE,
  constraint notification_rules_account_id_user_id_fkey FOREIGN KEY (account_id, user_id) REFERENCES users(account_id, id) ON DELETE CASCADE,
  constraint notification_rules_start_delay_in_minutes_check CHECK (start_delay_in_minutes >= 0 AND start_delay_in_minutes <= 1440),
  constraint notification_rules_urgency_check CHECK (urgency = ANY (ARRAY['high'::text, 'low'::text]))
);
alter table notification_rules enable row level security;
alter table notification_rules force row level security;
create policy notification_rules_directory on notification_rules for select to pdlite_directory using (true);
create policy notification_rules_tenant on notification_rules for all to public using ((account_id = ( SELECT current_account() AS current_account))) with check ((account_id = ( SELECT current_account() AS current_account)));
CREATE TRIGGER notification_rules_audit AFTER INSERT OR DELETE OR UPDATE ON notification_rules FOR EACH ROW EXECUTE FUNCTION audit_capture('id');
CREATE CONSTRAINT TRIGGER notification_rules_audited AFTER INSERT OR DELETE OR UPDATE ON notification_rules DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION audit_unattributed();
CREATE TRIGGER notification_rules_directory AFTER INSERT OR DELETE OR UPDATE ON notification_rules FOR EACH ROW EXECUTE FUNCTION bump_directory();
grant delete, insert, select, update on notification_rules to pdlite_app;
grant select on notification_rules to pdlite_directory;

create table schedule_overrides (
  id text not null,
  account_id text not null,
  schedule_id text not null,
  user_id text not null,
  starts_at timestamp with time zone not null,
  ends_at timestamp with time zone not null,
  created_at timestamp with time zone not null default now(),
  constraint schedule_overrides_audited TRIGGER DEFERRABLE INITIALLY DEFERRED,
  constraint schedule_overrides_pkey PRIMARY KEY (account_id, id),
  constraint schedule_overrides_account_id_schedule_id_fkey FOREIGN KEY (account_id, schedule_id) REFERENCES schedules(account_id, id) ON DELETE CASCADE,
  constraint schedule_overrides_account_id_user_id_fkey FOREIGN KEY (account_id, user_id) REFERENCES users(account_id, id) ON DELETE CASCADE,
  constraint schedule_overrides_check CHECK (ends_at > starts_at)
);
alter table schedule_overrides enable row level security;
alter table schedule_overrides force row level security;
create policy schedule_overrides_directory on schedule_overrides for select to pdlite_directory using (true);
create policy schedule_overrides_tenant on schedule_overrides for all to public using ((account_id = ( SELECT current_account() AS current_account))) with check ((account_id = ( SELECT current_account() AS current_account)));
CREATE TRIGGER schedule_overrides_audit AFTER INSERT OR DELETE OR UPDATE ON schedule_overrides FOR EACH ROW EXECUTE FUNCTION audit_capture('id');
CREATE CONSTRAINT TRIGGER schedule_overrides_audited AFTER INSERT OR DELETE OR UPDATE ON schedule_overrides DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION audit_unattributed();
CREATE TRIGGER schedule_overrides_directory AFTER INSERT OR DELETE OR UPDATE ON schedule_overrides FOR EACH ROW EXECUTE FUNCTION bump_directory();
grant delete, insert, select, update on schedule_overrides to pdlite_app;
grant select on schedule_overrides to pdlite_directory;

create table schedules (
  id text not null,
  account_id text not null,
  name text not null,
  description text,
  time_zone text not null,
  layers jsonb not null default '[]'::jsonb,
  team_ids text[] not null default '{}'::text[],
  created_at timestamp with time zone not null default now(),
  constraint schedules_audited TRIGGER DEFERRABLE INITIALLY DEFERRED,
  constraint schedules_pkey PRIMARY KEY (account_id, id),
  constraint schedules_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(id) ON DELETE CASCADE
);
alter table schedules enable row level security;
alter table schedules force row level security;
create policy schedules_directory on schedules for select to pdlite_directory using (true);
create policy schedules_tenant on schedules for all to public using ((account_id = ( SELECT current_account() AS current_account))) with check ((account_id = ( SELECT current_account() AS current_account)));
CREATE TRIGGER schedules_audit AFTER INSERT OR DELETE OR UPDATE ON schedules FOR EACH ROW EXECUTE FUNCTION audit_capture('id');
CREATE CONSTRAINT TRIGGER schedules_audited AFTER INSERT OR DELETE OR UPDATE ON schedules DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION audit_unattributed();
CREATE TRIGGER schedules_directory AFTER INSERT OR DELETE OR UPDATE ON schedules FOR EACH ROW EXECUTE FUNCTION bump_directory();
grant delete, insert, select, update on schedules to pdlite_app;
grant select on schedules to pdlite_directory;

create table services (
  id text not null,
  account_id text not null,
  name text not null,
  description text,
  status text not null default 'active'::text,
  escalation_policy_id text not null,
  acknowledgement_timeout_sec integer,
  auto_resolve_timeout_sec integer,
  urgency_rule text not null default 'high'::text,
  team_ids text[] not null default '{}'::text[],
  created_at timestamp with time zone not null default now(),
  constraint services_audited TRIGGER DEFERRABLE INITIALLY DEFERRED,
  constraint services_pkey PRIMARY KEY (account_id, id),
  constraint services_account_id_name_key UNIQUE (account_id, name),
  constraint services_account_id_escalation_policy_id_fkey FOREIGN KEY (account_id, escalation_policy_id) REFERENCES escalation_policies(account_id, id),
  constraint services_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(id) ON DELETE CASCADE,
  constraint services_status_check CHECK (status = ANY (ARRAY['active'::text, 'disabled'::text])),
  constraint services_urgency_rule_check CHECK (urgency_rule = ANY (ARRAY['high'::text, 'low'::text, 'severity_based'::text]))
);
alter table services enable row level security;
alter table services force row level security;
create policy services_directory on services for select to pdlite_directory using (true);
create policy services_tenant on services for all to public using ((account_id = ( SELECT current_account() AS current_account))) with check ((account_id = ( SELECT current_account() AS current_account)));
CREATE TRIGGER services_audit AFTER INSERT OR DELETE OR UPDATE ON services FOR EACH ROW EXECUTE FUNCTION audit_capture('id');
CREATE CONSTRAINT TRIGGER services_audited AFTER INSERT OR DELETE OR UPDATE ON services DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION audit_unattributed();
CREATE TRIGGER services_directory AFTER INSERT OR DELETE OR UPDATE ON services FOR EACH ROW EXECUTE FUNCTION bump_directory();
grant delete, insert, select, update on services to pdlite_app;
grant select on services to pdlite_directory;

create table spill (
  id bigint not null generated always as identity,
  account_id text not null,
  service_id text not null,
  key text not null,
  rank smallint not null,
  due_at timestamp with time zone not null,
  event text not null,
  bytes integer not null,
  claim uuid,
  claimed_at timestamp with time zone,
  parked_at timestamp with time zone,
  parked_reason text,
  created_at timestamp with time zone not null default now(),
  constraint spill_pkey PRIMARY KEY (id)
) with (fillfactor=80, autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=5000);
alter table spill enable row level security;
alter table spill force row level security;
CREATE INDEX spill_due ON spill USING btree (due_at) WHERE parked_at IS NULL;
CREATE INDEX spill_key ON spill USING btree (key, id) WHERE parked_at IS NULL;
CREATE INDEX spill_turn ON spill USING btree (rank, account_id, id) WHERE parked_at IS NULL;
create policy spill_intake on spill for all to pdlite_intake using (true) with check (true);
create policy spill_tenant on spill for all to public using ((account_id = ( SELECT current_account() AS current_account))) with check ((account_id = ( SELECT current_account() AS current_account)));
grant delete, insert, select, update on spill to pdlite_intake;

create table spill_lease (
  only_row boolean not null default true,
  holder text,
  held_until timestamp with time zone not null default '-infinity'::timestamp with time zone,
  row_count bigint not null default 0,
  byte_count bigint not null default 0,
  oldest_at timestamp with time zone,
  parked_count bigint not null default 0,
  constraint spill_lease_pkey PRIMARY KEY (only_row),
  constraint spill_lease_only_row_check CHECK (only_row)
);
alter table spill_lease enable row level security;
alter table spill_lease force row level security;
create policy spill_lease_intake on spill_lease for all to pdlite_intake using (true) with check (true);
grant select, update on spill_lease to pdlite_intake;

create table team_members (
  account_id text not null,
  team_id text not null,
  user_id text not null,
  role text not null default 'manager'::text,
  constraint team_members_audited TRIGGER DEFERRABLE INITIALLY DEFERRED,
  constraint team_members_pkey PRIMARY KEY (account_id, team_id, user_id),
  constraint team_members_account_id_team_id_fkey FOREIGN KEY (account_id, team_id) REFERENCES teams(account_id, id) ON DELETE CASCADE,
  constraint team_members_account_id_user_id_fkey FOREIGN KEY (account_id, user_id) REFERENCES users(account_id, id) ON DELETE CASCADE,
  constraint team_members_role_check CHECK (role = ANY (ARRAY['manager'::text, 'responder'::text, 'observer'::text]))
);
alter table team_members enable row level security;
alter table team_members force row level security;
create policy team_members_directory on team_members for select to pdlite_directory using (true);
create policy team_members_tenant on team_members for all to public using ((account_id = ( SELECT current_account() AS current_account))) with check ((account_id = ( SELECT current_account() AS current_account)));
CREATE TRIGGER team_members_audit AFTER INSERT OR DELETE OR UPDATE ON team_members FOR EACH ROW EXECUTE FUNCTION audit_capture('team_id', 'user_id');
CREATE CONSTRAINT TRIGGER team_members_audited AFTER INSERT OR DELETE OR UPDATE ON team_members DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION audit_unattributed();
CREATE TRIGGER team_members_directory AFTER INSERT OR DELETE OR UPDATE ON team_members FOR EACH ROW EXECUTE FUNCTION bump_directory();
grant delete, insert, select, update on team_members to pdlite_app;
grant select on team_members to pdlite_directory;

create table teams (
  id text not null,
  account_id text not null,
  name text not null,
  description text,
  created_at timestamp with time zone not null default now(),
  constraint teams_audited TRIGGER DEFERRABLE INITIALLY DEFERRED,
  constraint teams_pkey PRIMARY KEY (account_id, id),
  constraint teams_account_id_name_key UNIQUE (account_id, name),
  constraint teams_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(id) ON DELETE CASCADE
);
alter table teams enable row level security;
alter table teams force row level security;
create policy teams_directory on teams for select to pdlite_directory using (true);
create policy teams_tenant on teams for all to public using ((account_id = ( SELECT current_account() AS current_account))) with check ((account_id = ( SELECT current_account() AS current_account)));
CREATE TRIGGER teams_audit AFTER INSERT OR DELETE OR UPDATE ON teams FOR EACH ROW EXECUTE FUNCTION audit_capture('id');
CREATE CONSTRAINT TRIGGER teams_audited AFTER INSERT OR DELETE OR UPDATE ON teams DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION audit_unattributed();
CREATE TRIGGER teams_directory AFTER INSERT OR DELETE OR UPDATE ON teams FOR EACH ROW EXECUTE FUNCTION bump_directory();
grant delete, insert, select, update on teams to pdlite_app;
grant select on teams to pdlite_directory;

create table users (
  id text not null,
  account_id text not null,
  name text not null,
  email text not null,
  time_zone text not null default 'Etc/UTC'::text,
  role text not null default 'user'::text,
  job_title text,
  description text,
  created_at timestamp with time zone not null default now(),
  constraint users_audited TRIGGER DEFERRABLE INITIALLY DEFERRED,
  constraint users_pkey PRIMARY KEY (account_id, id),
  constraint users_account_id_fkey FOREIGN KEY (account_id) REFERENCES accounts(id) ON DELETE CASCADE
);
alter table users enable row level security;
alter table users force row level security;
CREATE UNIQUE INDEX users_email ON users USING btree (account_id, lower(email));
create policy users_directory on users for select to pdlite_directory using (true);
create policy users_tenant on users for all to public using ((account_id = ( SELECT current_account() AS current_account))) with check ((account_id = ( SELECT current_account() AS current_account)));
CREATE TRIGGER users_audit AFTER INSERT OR DELETE OR UPDATE ON users FOR EACH ROW EXECUTE FUNCTION audit_capture('id');
CREATE CONSTRAINT TRIGGER users_audited AFTER INSERT OR DELETE OR UPDATE ON users DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION audit_unattributed();
CREATE TRIGGER users_directory AFTER INSERT OR DELETE OR UPDATE ON users FOR EACH ROW EXECUTE FUNCTION bump_directory();
grant delete, insert, select, update on users to pdlite_app;
grant select on users to pdlite_directory;

grant usage on schema public to public;
