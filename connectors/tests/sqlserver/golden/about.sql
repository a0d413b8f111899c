SET LANGUAGE us_english; SET DATEFORMAT ymd; SET ANSI_NULLS ON; SET ANSI_PADDING ON; SET ANSI_WARNINGS ON; SET ARITHABORT ON; SET CONCAT_NULL_YIELDS_NULL ON; SET QUOTED_IDENTIFIER ON; SET NUMERIC_ROUNDABORT OFF; SET XACT_ABORT ON; SET IMPLICIT_TRANSACTIONS OFF; SET TEXTSIZE 2147483647; SET DEADLOCK_PRIORITY LOW; SET LOCK_TIMEOUT 5000;

SELECT CAST(SERVERPROPERTY('ProductVersion') AS nvarchar(128)), CAST(d.snapshot_isolation_state AS int) FROM sys.databases AS d WHERE d.database_id = DB_ID();

SELECT SUM(p.rows) FROM sys.partitions AS p WHERE p.object_id = OBJECT_ID(@P1) AND p.index_id IN (0, 1);

SELECT CAST(SERVERPROPERTY('ProductVersion') AS nvarchar(128)), CAST(SERVERPROPERTY('ProductLevel') AS nvarchar(128)), CAST(SERVERPROPERTY('Edition') AS nvarchar(128)), CAST(SERVERPROPERTY('Collation') AS nvarchar(128)), SYSUTCDATETIME();

SELECT CAST(d.collation_name AS nvarchar(128)), CAST(COLLATIONPROPERTY(d.collation_name, 'CodePage') AS int), CAST(d.snapshot_isolation_state AS int), CAST(d.is_read_committed_snapshot_on AS int), CAST(d.compatibility_level AS int) FROM sys.databases AS d WHERE d.database_id = DB_ID();

SELECT t.retention_period, CAST(t.retention_period_units_desc AS nvarchar(60)), CAST(t.is_auto_cleanup_on AS int) FROM sys.change_tracking_databases AS t WHERE t.database_id = DB_ID();

SELECT COUNT(*) FROM sys.change_tracking_tables AS t;

SELECT COUNT(*) FROM sys.objects AS o WHERE o.type IN ('U', 'V') AND o.is_ms_shipped = 0;

SELECT CAST(IS_SRVROLEMEMBER('sysadmin') AS int), CAST(IS_MEMBER('db_owner') AS int), CAST(HAS_PERMS_BY_NAME(NULL, 'DATABASE', 'INSERT') AS int), CAST(HAS_PERMS_BY_NAME(NULL, 'DATABASE', 'UPDATE') AS int), CAST(HAS_PERMS_BY_NAME(NULL, 'DATABASE', 'DELETE') AS int), CAST(HAS_PERMS_BY_NAME(NULL, 'DATABASE', 'ALTER') AS int);

SELECT CAST(s.name AS nvarchar(128)), CAST(o.name AS nvarchar(128)), CAST(c.name AS nvarchar(128)), CAST(t.name AS nvarchar(128)), CAST(c.max_length AS int), CAST(c.precision AS int), CAST(c.scale AS int) FROM sys.objects AS o JOIN sys.schemas AS s ON s.schema_id = o.schema_id JOIN sys.columns AS c ON c.object_id = o.object_id JOIN sys.types AS t ON t.user_type_id = c.user_type_id WHERE o.type IN ('U', 'V') AND o.is_ms_shipped = 0 ORDER BY s.name, o.name, c.column_id;

SELECT CAST(DB_NAME() AS nvarchar(128)), CAST(s.name AS nvarchar(128)), CAST(o.name AS nvarchar(128)), CHANGE_TRACKING_MIN_VALID_VERSION(o.object_id) FROM sys.objects AS o JOIN sys.schemas AS s ON s.schema_id = o.schema_id WHERE o.object_id = OBJECT_ID(@P1);

SELECT CAST(c.name AS nvarchar(128)) FROM sys.indexes AS i JOIN sys.index_columns AS x ON x.object_id = i.object_id AND x.index_id = i.index_id JOIN sys.columns AS c ON c.object_id = x.object_id AND c.column_id = x.column_id WHERE i.object_id = OBJECT_ID(@P1) AND i.is_primary_key = 1 ORDER BY x.key_ordinal;

SELECT CAST(c.name AS nvarchar(128)), CAST(t.name AS nvarchar(128)) FROM sys.columns AS c JOIN sys.types AS t ON t.user_type_id = c.system_type_id WHERE c.object_id = OBJECT_ID(@P1) ORDER BY c.column_id;

SELECT CAST(t.is_disabled AS int) FROM sys.triggers AS t WHERE t.object_id = OBJECT_ID(@P1, 'TR');

SELECT OBJECT_ID(@P1, 'U'), CAST(HAS_PERMS_BY_NAME(@P1, 'OBJECT', 'SELECT') AS int), CAST(HAS_PERMS_BY_NAME(@P1, 'OBJECT', 'DELETE') AS int);

SELECT CAST(s.name AS nvarchar(128)), CAST(t.name AS nvarchar(128)) FROM sys.triggers AS t JOIN sys.objects AS o ON o.object_id = t.parent_id JOIN sys.schemas AS s ON s.schema_id = o.schema_id WHERE t.name LIKE N'fluxion[_]%' ORDER BY s.name, t.name;

SELECT CAST(USER_NAME() AS nvarchar(128));

