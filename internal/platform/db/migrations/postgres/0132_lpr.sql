-- Loan prime rates that an institution keeps beside the built-in history. A correction is a new version of its day.
create table lpr_publication (
  institution_id text not null,
  published_on text not null,
  version bigint not null,
  lpr_1y bigint not null,
  lpr_5y bigint not null,
  source text not null,
  made_by text not null,
  approved_by text not null,
  at bigint not null,
  primary key (institution_id, published_on, version)
);
create trigger lpr_publication_append_only before update or delete or truncate on lpr_publication for each statement execute function append_only();
