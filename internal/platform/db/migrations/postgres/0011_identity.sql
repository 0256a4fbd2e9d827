-- Who works in an institution: branches, users, roles, authority, sessions, keys.
create table branch (
  institution_id text not null,
  id text not null,
  parent_id text not null,
  path text not null,
  code text not null,
  name text not null,
  name_en text not null,
  created_at bigint not null,
  version bigint not null,
  primary key (institution_id, id)
);
create unique index branch_path on branch (institution_id, path);
create unique index branch_code on branch (institution_id, code);

create table user_account (
  institution_id text not null,
  id text not null,
  login text not null,
  kind text not null check (kind in ('person', 'service')),
  name text not null,
  email text not null,
  branch_id text not null,
  lang text not null,
  status text not null check (status in ('active', 'disabled')),
  password_hash text not null,
  password_at bigint not null,
  must_change boolean not null,
  totp_secret text not null,
  totp_on boolean not null,
  totp_step bigint not null,
  oidc_issuer text not null,
  oidc_subject text not null,
  signed_in_at bigint not null,
  created_at bigint not null,
  version bigint not null,
  primary key (institution_id, id)
);
create unique index user_account_login on user_account (institution_id, login);
create index user_account_any_login on user_account (login);
create index user_account_email on user_account (email);
create index user_account_subject on user_account (oidc_subject);

create table role (
  institution_id text not null,
  code text not null,
  name text not null,
  name_en text not null,
  permissions text not null,
  version bigint not null,
  primary key (institution_id, code)
);

create table user_role (
  institution_id text not null,
  user_id text not null,
  role text not null,
  granted_at bigint not null,
  granted_by text not null,
  primary key (institution_id, user_id, role)
);

create table authority (
  institution_id text not null,
  id text not null,
  kind text not null,
  subject text not null,
  currency text not null,
  limit_minor bigint not null check (limit_minor >= 0),
  valid_from bigint not null,
  valid_until bigint not null,
  delegated_by text not null,
  note text not null,
  created_at bigint not null,
  created_by text not null,
  revoked_at bigint not null,
  revoked_by text not null,
  version bigint not null,
  primary key (institution_id, id)
);
create index authority_subject on authority (institution_id, kind, subject);

create table session (
  institution_id text not null,
  token_hash text not null,
  id text not null,
  user_id text not null,
  via text not null,
  address text not null,
  agent text not null,
  created_at bigint not null,
  seen_at bigint not null,
  expires_at bigint not null,
  primary key (institution_id, token_hash)
);
create index session_of_user on session (institution_id, user_id);

create table recovery_code (
  institution_id text not null,
  user_id text not null,
  code_hash text not null,
  used_at bigint not null,
  primary key (institution_id, user_id, code_hash)
);

create table api_key (
  institution_id text not null,
  id text not null,
  user_id text not null,
  name text not null,
  prefix text not null,
  secret_hash text not null,
  scopes text not null,
  created_at bigint not null,
  created_by text not null,
  expires_at bigint not null,
  used_at bigint not null,
  revoked_at bigint not null,
  primary key (institution_id, id)
);
create index api_key_user on api_key (institution_id, user_id);

-- Failed sign-ins, by a hash of what was typed, whether or not such a user exists.
create table sign_in_attempt (
  login_hash text not null primary key,
  failures bigint not null,
  blocked_until bigint not null,
  updated_at bigint not null
);
