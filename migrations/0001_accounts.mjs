/**
 * Accounts and their configuration. Every row belongs to an account; row-level security is enabled and
 * forced on every table, so that even the owner sees nothing without `app.account_id`: a statement without
 * it fails. (Once set for a transaction it is '' afterwards in that session, not unset: hence the function.)
 * Roles: the migrator owns; `pdlite_app` reads and writes one account at a time;
 * `pdlite_directory` only reads, but all accounts, to fill the directory.
 */
const tables = `
create function current_account() returns text language plpgsql stable as $$
declare
  account text := current_setting('app.account_id', true);
begin
  if account is null or account = '' then
    raise exception 'app.account_id is not set' using errcode = 'insufficient_privilege';
  end if;
  return account;
end $$;
create table accounts (
  id text primary key,
  subdomain text not null unique check (subdomain ~ '^[a-z0-9-]{1,40}$'),
  name text not null,
  time_zone text not null default 'Etc/UTC',
  catch_all_user_id text,
  owner_user_id text not null,
  require_reply_codes boolean not null default false,
  created_at timestamptz not null default now()
);
create table users (
  id text not null, account_id text not null references accounts (id) on delete cascade,
  name text not null, email text not null, time_zone text not null default 'Etc/UTC',
  role text not null default 'user', job_title text, description text,
  created_at timestamptz not null default now(),
  primary key (account_id, id)
);
create unique index users_email on users (account_id, lower(email));
create table contact_methods (
  id text not null, account_id text not null, user_id text not null,
  channel text not null check (channel in ('email','sms','voice','push','webhook')),
  label text not null, address text not null, secret text,
  verified_at timestamptz, opted_out_at timestamptz,
  created_at timestamptz not null default now(),
  primary key (account_id, id),
  unique (account_id, user_id, channel, address),
  foreign key (account_id, user_id) references users (account_id, id) on delete cascade
);
create table contact_verifications (
  account_id text not null, user_id text not null, contact_method_id text not null,
  code_hash text not null, sent_at timestamptz not null, expires_at timestamptz not null,
  attempts integer not null default 0,
  primary key (account_id, contact_method_id, sent_at),
  -- kept when the method goes: deleting and adding a number again must not give new codes
  foreign key (account_id, user_id) references users (account_id, id) on delete cascade
);
create table notification_rules (
  id text not null, account_id text not null, user_id text not null,
  urgency text not null check (urgency in ('high','low')),
  contact_method_id text not null,
  start_delay_in_minutes integer not null check (start_delay_in_minutes between 0 and 1440),
  primary key (account_id, id),
  foreign key (account_id, user_id) references users (account_id, id) on delete cascade,
  foreign key (account_id, contact_method_id) references contact_methods (account_id, id) on delete cascade
);
create table teams (
  id text not null, account_id text not null references accounts (id) on delete cascade,
  name text not null, description text, created_at timestamptz not null default now(),
  primary key (account_id, id), unique (account_id, name)
);
create table team_members (
  account_id text not null, team_id text not null, user_id text not null,
  role text not null default 'manager' check (role in ('manager','responder','observer')),
  primary key (account_id, team_id, user_id),
  foreign key (account_id, team_id) references teams (account_id, id) on delete cascade,
  foreign key (account_id, user_id) references users (account_id, id) on delete cascade
);
create table schedules (
  id text not null, account_id text not null references accounts (id) on delete cascade,
  name text not null, description text, time_zone text not null,
  -- ScheduleLayer[] of domain/model.ts, lowest precedence first
  layers jsonb not null default '[]', team_ids text[] not null default '{}',
  created_at timestamptz not null default now(),
  primary key (account_id, id)
);
create table schedule_overrides (
  id text not null, account_id text not null, schedule_id text not null, user_id text not null,
  starts_at timestamptz not null, ends_at timestamptz not null, created_at timestamptz not null default now(),
  primary key (account_id, id), check (ends_at > starts_at),
  foreign key (account_id, schedule_id) references schedules (account_id, id) on delete cascade,
  foreign key (account_id, user_id) references users (account_id, id) on delete cascade
);
create table escalation_policies (
  id text not null, account_id text not null references accounts (id) on delete cascade,
  name text not null, description text, num_loops integer not null default 0 check (num_loops between 0 and 9),
  -- EscalationRule[] of domain/model.ts, first rule first
  rules jsonb not null, team_ids text[] not null default '{}',
  created_at timestamptz not null default now(),
  primary key (account_id, id)
);
create table services (
  id text not null, account_id text not null references accounts (id) on delete cascade,
  name text not null, description text,
  status text not null default 'active' check (status in ('active','disabled')),
  escalation_policy_id text not null,
  acknowledgement_timeout_sec integer, auto_resolve_timeout_sec integer,
  urgency_rule text not null default 'high' check (urgency_rule in ('high','low','severity_based')),
  team_ids text[] not null default '{}',
  created_at timestamptz not null default now(),
  primary key (account_id, id), unique (account_id, name),
  foreign key (account_id, escalation_policy_id) references escalation_policies (account_id, id)
);
create table integrations (
  id text not null, account_id text not null, service_id text not null,
  name text not null, type text not null, key_hash text not null unique,
  lenient boolean not null default false,
  rate_limit_per_minute integer not null default 10000 check (rate_limit_per_minute > 0),
  mapping jsonb, created_at timestamptz not null default now(),
  primary key (account_id, id),
  foreign key (account_id, service_id) references services (account_id, id) on delete cascade
);
create table api_keys (
  id text not null, account_id text not null references accounts (id) on delete cascade,
  name text not null, key_hash text not null unique, user_id text, role text not null,
  read_only boolean not null default false, expires_at timestamptz,
  created_at timestamptz not null default now(),
  primary key (account_id, id),
  foreign key (account_id, user_id) references users (account_id, id) on delete cascade
);
`;

const projections = `
create table incidents (
  id text not null, account_id text not null references accounts (id) on delete cascade,
  number bigint not null, service_id text not null, escalation_policy_id text not null,
  status text not null, urgency text not null, title text not null, incident_key text,
  created_at timestamptz not null, updated_at timestamptz not null, resolved_at timestamptz,
  assignee_ids text[] not null, workflow_id text not null, run_id text not null,
  -- grows with each change; an older one never replaces a newer one
  revision integer not null,
  -- IncidentView of domain/incident/types.ts
  view jsonb not null, projected_at timestamptz not null default now(),
  primary key (account_id, id)
);
create index incidents_open on incidents (account_id, created_at desc) where status <> 'resolved';
create index incidents_created on incidents (account_id, created_at desc, id);
create index incidents_service on incidents (account_id, service_id, created_at desc);
create index incidents_key on incidents (account_id, incident_key);
create table log_entries (
  id text not null, account_id text not null references accounts (id) on delete cascade,
  incident_id text not null, seq integer not null, type text not null, at timestamptz not null,
  entry jsonb not null, projected_at timestamptz not null default now(),
  primary key (account_id, id)
);
create index log_entries_incident on log_entries (account_id, incident_id, at, seq);
create index log_entries_at on log_entries (account_id, at desc);
create table change_events (
  id text not null, account_id text not null references accounts (id) on delete cascade,
  service_id text not null, integration_id text not null, at timestamptz not null,
  summary text not null, source text, event jsonb not null,
  primary key (account_id, id)
);
create index change_events_service on change_events (account_id, service_id, at desc);
create table directory_versions (
  account_id text primary key references accounts (id) on delete cascade,
  version bigint not null
);
`;

const all = [
  'users',
  'contact_methods',
  'contact_verifications',
  'notification_rules',
  'teams',
  'team_members',
  'schedules',
  'schedule_overrides',
  'escalation_policies',
  'services',
  'integrations',
  'api_keys',
  'incidents',
  'log_entries',
  'change_events',
  'directory_versions',
];
const configuration = [
  'accounts',
  'users',
  'contact_methods',
  'notification_rules',
  'teams',
  'team_members',
  'schedules',
  'schedule_overrides',
  'escalation_policies',
  'services',
  'integrations',
  'api_keys',
];

function security(table, column) {
  return `
    alter table ${table} enable row level security;
    alter table ${table} force row level security;
    create policy ${table}_tenant on ${table}
      using (${column} = (select current_account()))
      with check (${column} = (select current_account()));
    create policy ${table}_directory on ${table} for select to pdlite_directory using (true);
    grant select, insert, update, delete on ${table} to pdlite_app;`;
}

// A change of configuration bumps its account's version and wakes the directories of all processes.
const notify = `
create function bump_directory() returns trigger language plpgsql as $$
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
end $$;
`;

export async function up(knex) {
  await knex.raw(tables + projections + notify);
  await knex.raw(security('accounts', 'id'));
  for (const table of all) await knex.raw(security(table, 'account_id'));
  for (const table of configuration) {
    await knex.raw(
      `create trigger ${table}_directory after insert or update or delete on ${table}
         for each row execute function bump_directory();
       grant select on ${table} to pdlite_directory;`,
    );
  }
  await knex.raw('grant select on directory_versions to pdlite_directory');
}

export function down() {
  throw new Error('Migrations go forward only.');
}
