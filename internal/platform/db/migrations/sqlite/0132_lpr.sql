-- Loan prime rates that an institution keeps beside the built-in history. A correction is a new version of its day.
create table lpr_publication (
  institution_id text not null,
  published_on text not null,
  version integer not null,
  lpr_1y integer not null,
  lpr_5y integer not null,
  source text not null,
  made_by text not null,
  approved_by text not null,
  at integer not null,
  primary key (institution_id, published_on, version)
) strict, without rowid;
create trigger lpr_publication_no_update before update on lpr_publication begin select raise(abort, 'lpr_publication is append-only'); end;
create trigger lpr_publication_no_delete before delete on lpr_publication begin select raise(abort, 'lpr_publication is append-only'); end;
