import java.io.StringReader;
import java.io.StringWriter;
import java.math.BigDecimal;
import java.sql.*;
import java.util.*;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyManager;

/** What pgjdbc gets of the server at args[0], one line a finding: its name, a tab, its value. */
public class Jdbc {
  interface Work { Object of(Connection c) throws Exception; }

  static String rows(ResultSet r, String... columns) throws SQLException {
    StringJoiner all = new StringJoiner(" ");
    while (r.next()) {
      StringJoiner row = new StringJoiner("|");
      if (columns.length == 0) for (int i = 1; i <= r.getMetaData().getColumnCount(); i++) row.add(r.getString(i));
      for (String column : columns) row.add(r.getString(column));
      all.add(row.toString());
    }
    r.close();
    return all.toString();
  }

  static String query(Connection c, String sql) throws SQLException {
    try (Statement s = c.createStatement()) { return rows(s.executeQuery(sql)); }
  }

  static int run(Connection c, String sql) throws SQLException {
    try (Statement s = c.createStatement()) { return s.executeUpdate(sql); }
  }

  static void tell(String name, Object value) { System.out.println(name + "\t" + value); }

  static void check(String url, String name, Work work) {
    try (Connection c = DriverManager.getConnection(url)) {
      tell(name, work.of(c));
    } catch (Exception e) {
      String state = e instanceof SQLException ? ((SQLException) e).getSQLState() + " " : "";
      tell(name, e.getClass().getSimpleName() + " " + state + String.valueOf(e.getMessage()).split("\n")[0]);
    }
  }

  static Object metadata(Connection c) throws SQLException {
    DatabaseMetaData d = c.getMetaData();
    tell("product", d.getDatabaseProductName() + " " + d.getDatabaseMajorVersion());
    tell("tables", rows(d.getTables(null, "main", "mach%", new String[] {"TABLE", "VIEW"}), "TABLE_SCHEM", "TABLE_NAME", "TABLE_TYPE", "REMARKS"));
    tell("views", rows(d.getTables(null, "main", "risk", new String[] {"VIEW"}), "TABLE_NAME"));
    tell("columns", rows(d.getColumns(null, "main", "machines", "%"), "COLUMN_NAME", "TYPE_NAME", "COLUMN_SIZE", "IS_NULLABLE"));
    tell("odd columns", rows(d.getColumns(null, "main", "Order Items", "%"), "COLUMN_NAME"));
    tell("primary key", rows(d.getPrimaryKeys(null, "main", "readings"), "COLUMN_NAME", "KEY_SEQ"));
    tell("imported keys", rows(d.getImportedKeys(null, "main", "readings"), "FKCOLUMN_NAME", "PKTABLE_NAME", "PKCOLUMN_NAME"));
    tell("exported keys", rows(d.getExportedKeys(null, "main", "machines"), "FKTABLE_NAME"));
    tell("indexes", rows(d.getIndexInfo(null, "main", "readings", false, false), "INDEX_NAME", "COLUMN_NAME", "NON_UNIQUE"));
    tell("schemas", rows(d.getSchemas(), "TABLE_SCHEM"));
    tell("catalogs", rows(d.getCatalogs()));
    tell("functions", rows(d.getFunctions(null, null, "ml_pred%"), "FUNCTION_NAME"));
    tell("types", rows(d.getTypeInfo(), "TYPE_NAME").contains("timestamptz"));
    return "done";
  }

  static Object prepared(Connection c) throws SQLException {
    StringJoiner found = new StringJoiner(" ");
    String sql = "SELECT id, label, moment, x, odd FROM many WHERE moment >= ? AND id < ? AND label <> ? AND x < ? ORDER BY id";
    try (PreparedStatement p = c.prepareStatement(sql)) {
      for (int n = 0; n < 8; n++) {  // from the fifth on it is named, and its rows come in binary
        p.setTimestamp(1, Timestamp.valueOf("2026-01-01 00:00:02"));
        p.setLong(2, 5 + n);
        p.setString(3, "row 3");
        p.setBigDecimal(4, new BigDecimal("1.25"));
        ResultSet r = p.executeQuery();
        r.next();
        found.add(r.getLong(1) + "|" + r.getString(2) + "|" + r.getTimestamp(3) + "|" + r.getDouble(4) + "|" + r.getBoolean(5));
        r.close();
      }
      tell("parameter types", p.getParameterMetaData().getParameterTypeName(1) + " " + p.getParameterMetaData().getParameterTypeName(2));
      tell("result types", p.getMetaData().getColumnTypeName(1) + " " + p.getMetaData().getColumnTypeName(3));
    }
    return found;
  }

  static Object everything(Connection c) throws SQLException {
    StringJoiner all = new StringJoiner("\u0001");
    String plain = "id, c_boolean, c_tinyint, c_smallint, c_integer, c_bigint, c_hugeint, c_usmallint, c_uinteger, c_ubigint, c_uhugeint, c_decimal, "
        + "c_bit, c_uuid, c_json, c_enum, c_date, c_timestamp, c_nanos, c_timestamptz, c_interval, c_deep, c_struct, c_map, c_union, c_moments, c_uuids";
    try (PreparedStatement p = c.prepareStatement("SELECT " + plain + " FROM everything WHERE id <> ? ORDER BY id")) {
      for (int n = 0; n < 7; n++) {
        p.setInt(1, -n);
        String got = rows(p.executeQuery());
        if (n == 0 || n == 6) all.add(got);
      }
    }
    String[] both = all.toString().split("\u0001");
    tell("everything in text", both[0]);
    return both[1];
  }

  static Object kinds(Connection c) throws SQLException {
    try (Statement s = c.createStatement(); ResultSet r = s.executeQuery("SELECT c_uuid, c_decimal, c_blob, c_texts, c_date, c_timestamptz FROM everything WHERE id = 1")) {
      r.next();
      return r.getObject(1).getClass().getSimpleName() + " " + r.getBigDecimal(2) + " " + new String(r.getBytes(3)) + " "
          + Arrays.toString((Object[]) r.getArray(4).getArray()) + " " + r.getDate(5) + " " + r.getObject(6, java.time.OffsetDateTime.class);
    }
  }

  static Object fetched(Connection c) throws SQLException {
    c.setAutoCommit(false);
    long sum = 0, count = 0;
    try (Statement s = c.createStatement()) {
      s.setFetchSize(777);
      ResultSet r = s.executeQuery("SELECT id FROM many ORDER BY id");
      while (r.next()) { sum += r.getLong(1); count++; }
      s.setMaxRows(5);
      tell("at most five", rows(s.executeQuery("SELECT id FROM many ORDER BY id")));
    }
    return count + " " + sum;
  }

  static Object batch(Connection c) throws SQLException {
    run(c, "CREATE TABLE jdbc_kept (i INTEGER, l VARCHAR[], n DECIMAL(9, 2), b BLOB, d DATE, t TIMESTAMPTZ, u UUID, f BOOLEAN, j JSON, k BIGINT[])");
    try (PreparedStatement p = c.prepareStatement("INSERT INTO jdbc_kept VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?::json, ?)")) {
      for (int i = 0; i < 12; i++) {
        p.setInt(1, i);
        p.setArray(2, c.createArrayOf("text", new String[] {"a,\"b", null, "设备"}));
        p.setBigDecimal(3, new BigDecimal("1.50"));
        p.setBytes(4, new byte[] {0, (byte) 255});
        p.setObject(5, java.time.LocalDate.of(2026, 1, 2));
        p.setObject(6, java.time.OffsetDateTime.parse("2026-01-02T03:04:05+02:00"));
        p.setObject(7, UUID.fromString("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"));
        p.setBoolean(8, i % 2 == 0);
        p.setString(9, "{\"a\": 1}");
        p.setArray(10, c.createArrayOf("int8", new Long[] {1L, null}));
        p.addBatch();
      }
      tell("batch", Arrays.stream(p.executeBatch()).sum());
    }
    try (PreparedStatement p = c.prepareStatement("INSERT INTO jdbc_kept (i, n) VALUES (?, ?)", Statement.RETURN_GENERATED_KEYS)) {
      p.setInt(1, 99);
      p.setNull(2, Types.NUMERIC);
      p.executeUpdate();
      ResultSet keys = p.getGeneratedKeys();
      keys.next();
      tell("returned", keys.getInt("i"));
    }
    return query(c, "SELECT * FROM jdbc_kept WHERE i IN (1, 11, 99) ORDER BY i");
  }

  static Object autosave(Connection c) throws SQLException {
    run(c, "CREATE TABLE jdbc_saved (a INTEGER)");
    c.setAutoCommit(false);
    run(c, "INSERT INTO jdbc_saved VALUES (1)");
    try { query(c, "SELECT nope"); } catch (SQLException e) { tell("failed", e.getSQLState()); }
    run(c, "INSERT INTO jdbc_saved VALUES (2)");
    c.commit();
    Savepoint point = c.setSavepoint("here");
    query(c, "SELECT 1");
    c.rollback(point);
    c.releaseSavepoint(c.setSavepoint());
    c.rollback();
    return query(c, "FROM jdbc_saved ORDER BY a");
  }

  static Object copied(Connection c) throws Exception {
    run(c, "CREATE TABLE jdbc_copied (a INTEGER, b VARCHAR)");
    CopyManager copies = c.unwrap(PGConnection.class).getCopyAPI();
    long in = copies.copyIn("COPY jdbc_copied FROM STDIN (FORMAT csv)", new StringReader("1,x\n2,\"y,\"\"z\"\n3,\n"));
    StringWriter out = new StringWriter();
    copies.copyOut("COPY (FROM jdbc_copied ORDER BY a) TO STDOUT", out);
    return in + " " + out.toString().replace("\t", "|").replace("\n", " ").trim();
  }

  static Object cancelled(Connection c, String sql) throws Exception {
    Statement s = c.createStatement();
    Timer timer = new Timer(true);
    timer.schedule(new TimerTask() { public void run() { try { s.cancel(); } catch (SQLException e) { tell("cancel", e); } } }, 500);
    try { s.executeQuery(sql); return "it ran to its end"; } catch (SQLException e) { tell("cancelled", e.getSQLState()); }
    Statement slow = c.createStatement();
    slow.setQueryTimeout(1);
    try { slow.executeQuery(sql); return "it ran to its end"; } catch (SQLException e) { tell("timed out", e.getSQLState()); }
    return query(c, "SELECT 1");
  }

  static Object readOnly(Connection c) throws SQLException {
    c.setReadOnly(true);
    try { run(c, "CREATE TABLE jdbc_no (a INTEGER)"); return "it was made"; } catch (SQLException e) { tell("read only", e.getSQLState()); }
    c.setReadOnly(false);
    c.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
    c.setSchema("lab");
    tell("schema", c.getSchema() + " " + query(c, "SELECT count(*) FROM samples"));
    return c.isReadOnly() + " " + c.isValid(5);
  }

  static Object models(Connection c, String likely) throws SQLException {
    try (PreparedStatement p = c.prepareStatement(likely.replace("0.2", "?"))) {
      p.setDouble(1, 0.2);
      tell("likely", rows(p.executeQuery()));
    }
    String learn = "SELECT model, version FROM ml_finetune('%s', 'SELECT torque, temp, shift, hot, failed FROM parts', target := 'failed', options := %s)";
    tell("braces", query(c, "SELECT {'a': 1, 'b c': [1, 2]} AS s"));
    tell("trained in braces", query(c, String.format(learn, "jdbc_braces", "{'epochs': 1, 'width': 8, 'layers': 1, 'heads': 2}")));
    c.setAutoCommit(false);
    query(c, "SELECT 1");
    tell("struct_pack", query(c, String.format(learn, "jdbc_packed", "struct_pack(epochs := 1, width := 8, layers := 1, heads := 2)")));
    run(c, "CREATE VIEW jdbc_view AS SELECT id, probability FROM ml_predict('jdbc_packed', 'parts')");
    c.commit();
    return query(c, "SELECT count(*) FROM jdbc_view WHERE probability > 0.2");
  }

  public static void main(String[] args) {
    String url = args[0];
    check(url, "metadata", Jdbc::metadata);
    check(url, "prepared", Jdbc::prepared);
    check(url, "everything in binary", Jdbc::everything);
    check(url, "kinds", Jdbc::kinds);
    check(url, "fetched", Jdbc::fetched);
    check(url, "kept", Jdbc::batch);
    check(url + "&autosave=always", "saved", Jdbc::autosave);
    check(url, "copied", Jdbc::copied);
    check(url, "cancel", c -> cancelled(c, args[2]));
    check(url + "&readOnlyMode=always", "writable again", Jdbc::readOnly);
    check(url, "view", c -> models(c, args[1]));
    check(url + "&preferQueryMode=simple", "simple mode", c -> query(c, "SELECT id, label FROM many WHERE id < 2 ORDER BY id"));
    check(url, "error", c -> query(c, "SELECT nope FROM many"));
  }
}
