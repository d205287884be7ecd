-- What a DuckDB database has nothing of. The columns are PostgreSQL's, the tables stay empty.
CREATE TABLE ml_pg.pg.pg_auth_members(roleid UINTEGER, member UINTEGER, grantor UINTEGER, admin_option BOOLEAN);
CREATE TABLE ml_pg.pg.pg_group(groname VARCHAR, grosysid UINTEGER, grolist UINTEGER[]);
CREATE TABLE ml_pg.pg.pg_db_role_setting(setdatabase UINTEGER, setrole UINTEGER, setconfig VARCHAR[]);
CREATE TABLE ml_pg.pg.pg_default_acl(oid UINTEGER, defaclrole UINTEGER, defaclnamespace UINTEGER,
  defaclobjtype ml_pg.pg.pg_char, defaclacl VARCHAR[]);
CREATE TABLE ml_pg.pg.pg_init_privs(objoid UINTEGER, classoid UINTEGER, objsubid INTEGER, privtype ml_pg.pg.pg_char,
  initprivs VARCHAR[]);
CREATE TABLE ml_pg.pg.pg_enum(oid UINTEGER, enumtypid UINTEGER, enumsortorder FLOAT, enumlabel VARCHAR);
CREATE TABLE ml_pg.pg.pg_range(rngtypid UINTEGER, rngsubtype UINTEGER, rngmultitypid UINTEGER, rngcollation UINTEGER,
  rngsubopc UINTEGER, rngcanonical VARCHAR, rngsubdiff VARCHAR);
CREATE TABLE ml_pg.pg.pg_cast(oid UINTEGER, castsource UINTEGER, casttarget UINTEGER, castfunc UINTEGER,
  castcontext ml_pg.pg.pg_char, castmethod ml_pg.pg.pg_char);
CREATE TABLE ml_pg.pg.pg_operator(oid UINTEGER, oprname VARCHAR, oprnamespace UINTEGER, oprowner UINTEGER,
  oprkind ml_pg.pg.pg_char, oprcanmerge BOOLEAN, oprcanhash BOOLEAN, oprleft UINTEGER, oprright UINTEGER,
  oprresult UINTEGER, oprcom UINTEGER, oprnegate UINTEGER, oprcode VARCHAR, oprrest VARCHAR, oprjoin VARCHAR);
CREATE TABLE ml_pg.pg.pg_opclass(oid UINTEGER, opcmethod UINTEGER, opcname VARCHAR, opcnamespace UINTEGER,
  opcowner UINTEGER, opcfamily UINTEGER, opcintype UINTEGER, opcdefault BOOLEAN, opckeytype UINTEGER);
CREATE TABLE ml_pg.pg.pg_opfamily(oid UINTEGER, opfmethod UINTEGER, opfname VARCHAR, opfnamespace UINTEGER,
  opfowner UINTEGER);
CREATE TABLE ml_pg.pg.pg_amop(oid UINTEGER, amopfamily UINTEGER, amoplefttype UINTEGER, amoprighttype UINTEGER,
  amopstrategy SMALLINT, amoppurpose ml_pg.pg.pg_char, amopopr UINTEGER, amopmethod UINTEGER,
  amopsortfamily UINTEGER);
CREATE TABLE ml_pg.pg.pg_amproc(oid UINTEGER, amprocfamily UINTEGER, amproclefttype UINTEGER,
  amprocrighttype UINTEGER, amprocnum SMALLINT, amproc VARCHAR);
CREATE TABLE ml_pg.pg.pg_aggregate(aggfnoid VARCHAR, aggkind ml_pg.pg.pg_char, aggnumdirectargs SMALLINT,
  aggtransfn VARCHAR, aggfinalfn VARCHAR, aggsortop UINTEGER, aggtranstype UINTEGER, agginitval VARCHAR);
CREATE TABLE ml_pg.pg.pg_conversion(oid UINTEGER, conname VARCHAR, connamespace UINTEGER, conowner UINTEGER,
  conforencoding INTEGER, contoencoding INTEGER, conproc VARCHAR, condefault BOOLEAN);
CREATE TABLE ml_pg.pg.pg_inherits(inhrelid UINTEGER, inhparent UINTEGER, inhseqno INTEGER, inhdetachpending BOOLEAN);
CREATE TABLE ml_pg.pg.pg_partitioned_table(partrelid UINTEGER, partstrat ml_pg.pg.pg_char, partnatts SMALLINT,
  partdefid UINTEGER, partattrs USMALLINT[], partclass UBIGINT[], partcollation UBIGINT[], partexprs VARCHAR);
CREATE TABLE ml_pg.pg.pg_shdepend(dbid UINTEGER, classid UINTEGER, objid UINTEGER, objsubid INTEGER,
  refclassid UINTEGER, refobjid UINTEGER, deptype ml_pg.pg.pg_char);
CREATE TABLE ml_pg.pg.pg_shdescription(objoid UINTEGER, classoid UINTEGER, description VARCHAR);
CREATE TABLE ml_pg.pg.pg_seclabel(objoid UINTEGER, classoid UINTEGER, objsubid INTEGER, provider VARCHAR,
  label VARCHAR);
CREATE TABLE ml_pg.pg.pg_shseclabel(objoid UINTEGER, classoid UINTEGER, provider VARCHAR, label VARCHAR);
CREATE TABLE ml_pg.pg.pg_seclabels(objoid UINTEGER, classoid UINTEGER, objsubid INTEGER, objtype VARCHAR,
  objnamespace UINTEGER, objname VARCHAR, provider VARCHAR, label VARCHAR);
CREATE TABLE ml_pg.pg.pg_event_trigger(oid UINTEGER, evtname VARCHAR, evtevent VARCHAR, evtowner UINTEGER,
  evtfoid VARCHAR, evtenabled ml_pg.pg.pg_char, evttags VARCHAR[]);
CREATE TABLE ml_pg.pg.pg_trigger(oid UINTEGER, tgrelid UINTEGER, tgparentid UINTEGER, tgname VARCHAR, tgfoid UINTEGER,
  tgtype SMALLINT, tgenabled ml_pg.pg.pg_char, tgisinternal BOOLEAN, tgconstrrelid UINTEGER, tgconstrindid UINTEGER,
  tgconstraint UINTEGER, tgdeferrable BOOLEAN, tginitdeferred BOOLEAN, tgnargs SMALLINT, tgattr USMALLINT[],
  tgargs BLOB, tgqual VARCHAR, tgoldtable VARCHAR, tgnewtable VARCHAR);
CREATE TABLE ml_pg.pg.pg_rewrite(oid UINTEGER, rulename VARCHAR, ev_class UINTEGER, ev_type ml_pg.pg.pg_char,
  ev_enabled ml_pg.pg.pg_char, is_instead BOOLEAN, ev_qual VARCHAR, ev_action VARCHAR);
CREATE TABLE ml_pg.pg.pg_rules(schemaname VARCHAR, tablename VARCHAR, rulename VARCHAR, definition VARCHAR);
CREATE TABLE ml_pg.pg.pg_policy(oid UINTEGER, polname VARCHAR, polrelid UINTEGER, polcmd ml_pg.pg.pg_char,
  polpermissive BOOLEAN, polroles UINTEGER[], polqual VARCHAR, polwithcheck VARCHAR);
CREATE TABLE ml_pg.pg.pg_policies(schemaname VARCHAR, tablename VARCHAR, policyname VARCHAR, permissive VARCHAR,
  roles VARCHAR[], cmd VARCHAR, qual VARCHAR, with_check VARCHAR);
CREATE TABLE ml_pg.pg.pg_extension(oid UINTEGER, extname VARCHAR, extowner UINTEGER, extnamespace UINTEGER,
  extrelocatable BOOLEAN, extversion VARCHAR, extconfig UINTEGER[], extcondition VARCHAR[]);
CREATE TABLE ml_pg.pg.pg_available_extensions(name VARCHAR, default_version VARCHAR, installed_version VARCHAR,
  comment VARCHAR);
CREATE TABLE ml_pg.pg.pg_available_extension_versions(name VARCHAR, version VARCHAR, installed BOOLEAN,
  superuser BOOLEAN, trusted BOOLEAN, relocatable BOOLEAN, schema VARCHAR, requires VARCHAR[], comment VARCHAR);
CREATE TABLE ml_pg.pg.pg_foreign_data_wrapper(oid UINTEGER, fdwname VARCHAR, fdwowner UINTEGER, fdwhandler VARCHAR,
  fdwvalidator VARCHAR, fdwacl VARCHAR[], fdwoptions VARCHAR[]);
CREATE TABLE ml_pg.pg.pg_foreign_server(oid UINTEGER, srvname VARCHAR, srvowner UINTEGER, srvfdw UINTEGER,
  srvtype VARCHAR, srvversion VARCHAR, srvacl VARCHAR[], srvoptions VARCHAR[]);
CREATE TABLE ml_pg.pg.pg_foreign_table(ftrelid UINTEGER, ftserver UINTEGER, ftoptions VARCHAR[]);
CREATE TABLE ml_pg.pg.pg_user_mapping(oid UINTEGER, umuser UINTEGER, umserver UINTEGER, umoptions VARCHAR[]);
CREATE TABLE ml_pg.pg.pg_user_mappings(umid UINTEGER, srvid UINTEGER, srvname VARCHAR, umuser UINTEGER,
  usename VARCHAR, umoptions VARCHAR[]);
CREATE TABLE ml_pg.pg.pg_publication(oid UINTEGER, pubname VARCHAR, pubowner UINTEGER, puballtables BOOLEAN,
  pubinsert BOOLEAN, pubupdate BOOLEAN, pubdelete BOOLEAN, pubtruncate BOOLEAN, pubviaroot BOOLEAN);
CREATE TABLE ml_pg.pg.pg_publication_rel(oid UINTEGER, prpubid UINTEGER, prrelid UINTEGER, prqual VARCHAR,
  prattrs USMALLINT[]);
CREATE TABLE ml_pg.pg.pg_publication_namespace(oid UINTEGER, pnpubid UINTEGER, pnnspid UINTEGER);
CREATE TABLE ml_pg.pg.pg_publication_tables(pubname VARCHAR, schemaname VARCHAR, tablename VARCHAR,
  attnames VARCHAR[], rowfilter VARCHAR);
CREATE TABLE ml_pg.pg.pg_subscription(oid UINTEGER, subdbid UINTEGER, subname VARCHAR, subowner UINTEGER,
  subenabled BOOLEAN, subconninfo VARCHAR, subslotname VARCHAR, subsynccommit VARCHAR, subpublications VARCHAR[]);
CREATE TABLE ml_pg.pg.pg_statistic_ext(oid UINTEGER, stxrelid UINTEGER, stxname VARCHAR, stxnamespace UINTEGER,
  stxowner UINTEGER, stxstattarget INTEGER, stxkeys USMALLINT[], stxkind VARCHAR[], stxexprs VARCHAR);
CREATE TABLE ml_pg.pg.pg_stats(schemaname VARCHAR, tablename VARCHAR, attname VARCHAR, inherited BOOLEAN,
  null_frac FLOAT, avg_width INTEGER, n_distinct FLOAT, most_common_vals VARCHAR, most_common_freqs FLOAT[],
  histogram_bounds VARCHAR, correlation FLOAT);
CREATE TABLE ml_pg.pg.pg_ts_config(oid UINTEGER, cfgname VARCHAR, cfgnamespace UINTEGER, cfgowner UINTEGER,
  cfgparser UINTEGER);
CREATE TABLE ml_pg.pg.pg_ts_dict(oid UINTEGER, dictname VARCHAR, dictnamespace UINTEGER, dictowner UINTEGER,
  dicttemplate UINTEGER, dictinitoption VARCHAR);
CREATE TABLE ml_pg.pg.pg_ts_parser(oid UINTEGER, prsname VARCHAR, prsnamespace UINTEGER, prsstart VARCHAR,
  prstoken VARCHAR, prsend VARCHAR, prsheadline VARCHAR, prslextype VARCHAR);
CREATE TABLE ml_pg.pg.pg_ts_template(oid UINTEGER, tmplname VARCHAR, tmplnamespace UINTEGER, tmplinit VARCHAR,
  tmpllexize VARCHAR);
CREATE TABLE ml_pg.pg.pg_transform(oid UINTEGER, trftype UINTEGER, trflang UINTEGER, trffromsql VARCHAR,
  trftosql VARCHAR);
CREATE TABLE ml_pg.pg.pg_largeobject_metadata(oid UINTEGER, lomowner UINTEGER, lomacl VARCHAR[]);
CREATE TABLE ml_pg.pg.pg_matviews(schemaname VARCHAR, matviewname VARCHAR, matviewowner VARCHAR, tablespace VARCHAR,
  hasindexes BOOLEAN, ispopulated BOOLEAN, definition VARCHAR);
CREATE TABLE ml_pg.pg.pg_prepared_xacts(transaction BIGINT, gid VARCHAR, prepared TIMESTAMPTZ, owner VARCHAR,
  database VARCHAR);
CREATE TABLE ml_pg.pg.pg_prepared_statements(name VARCHAR, statement VARCHAR, prepare_time TIMESTAMPTZ,
  parameter_types UINTEGER[], from_sql BOOLEAN);
CREATE TABLE ml_pg.pg.pg_cursors(name VARCHAR, statement VARCHAR, is_holdable BOOLEAN, is_binary BOOLEAN,
  is_scrollable BOOLEAN, creation_time TIMESTAMPTZ);
CREATE TABLE ml_pg.pg.pg_replication_slots(slot_name VARCHAR, plugin VARCHAR, slot_type VARCHAR, datoid UINTEGER,
  database VARCHAR, active BOOLEAN);
CREATE TABLE ml_pg.pg.pg_locks(locktype VARCHAR, database UINTEGER, relation UINTEGER, page INTEGER, tuple SMALLINT,
  virtualxid VARCHAR, transactionid BIGINT, classid UINTEGER, objid UINTEGER, objsubid SMALLINT,
  virtualtransaction VARCHAR, pid INTEGER, mode VARCHAR, granted BOOLEAN, fastpath BOOLEAN, waitstart TIMESTAMPTZ);
CREATE TABLE ml_pg.pg.pg_stat_activity(datid UINTEGER, datname VARCHAR, pid INTEGER, leader_pid INTEGER,
  usesysid UINTEGER, usename VARCHAR, application_name VARCHAR, client_addr VARCHAR, client_hostname VARCHAR,
  client_port INTEGER, backend_start TIMESTAMPTZ, xact_start TIMESTAMPTZ, query_start TIMESTAMPTZ,
  state_change TIMESTAMPTZ, wait_event_type VARCHAR, wait_event VARCHAR, state VARCHAR, backend_xid BIGINT,
  backend_xmin BIGINT, query_id BIGINT, query VARCHAR, backend_type VARCHAR);
CREATE TABLE ml_pg.pg.pg_stat_database(datid UINTEGER, datname VARCHAR, numbackends INTEGER, xact_commit BIGINT,
  xact_rollback BIGINT, blks_read BIGINT, blks_hit BIGINT, tup_returned BIGINT, tup_fetched BIGINT,
  tup_inserted BIGINT, tup_updated BIGINT, tup_deleted BIGINT, conflicts BIGINT, temp_files BIGINT, temp_bytes BIGINT,
  deadlocks BIGINT, stats_reset TIMESTAMPTZ);
CREATE TABLE ml_pg.pg.pg_stat_user_indexes(relid UINTEGER, indexrelid UINTEGER, schemaname VARCHAR, relname VARCHAR,
  indexrelname VARCHAR, idx_scan BIGINT, idx_tup_read BIGINT, idx_tup_fetch BIGINT);
CREATE TABLE ml_pg.pg.pg_statio_user_tables(relid UINTEGER, schemaname VARCHAR, relname VARCHAR,
  heap_blks_read BIGINT, heap_blks_hit BIGINT, idx_blks_read BIGINT, idx_blks_hit BIGINT);
CREATE TABLE ml_pg.pg.pg_stat_replication(pid INTEGER, usesysid UINTEGER, usename VARCHAR, application_name VARCHAR,
  client_addr VARCHAR, state VARCHAR);
CREATE TABLE ml_pg.pg.pg_stat_ssl(pid INTEGER, ssl BOOLEAN, version VARCHAR, cipher VARCHAR, bits INTEGER);
CREATE TABLE ml_pg.pg.pg_stat_gssapi(pid INTEGER, gss_authenticated BOOLEAN, principal VARCHAR, encrypted BOOLEAN);
