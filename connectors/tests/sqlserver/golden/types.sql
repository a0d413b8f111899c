-- bit
SELECT t.c FROM dbo.t;

-- int and its kin
SELECT t.c FROM dbo.t;

-- float, real
SELECT t.c FROM dbo.t;

-- decimal, numeric
SELECT t.c FROM dbo.t;

-- money, smallmoney
SELECT CAST(t.c AS decimal(19,4)) FROM dbo.t;

-- nchar, nvarchar
SELECT t.c FROM dbo.t;

-- char, varchar
SELECT CAST(t.c AS nvarchar(max)) FROM dbo.t;

-- text
SELECT CAST(t.c AS nvarchar(max)) FROM dbo.t;

-- ntext
SELECT CAST(t.c AS nvarchar(max)) FROM dbo.t;

-- xml
SELECT CAST(t.c AS nvarchar(max)) FROM dbo.t;

-- binary, varbinary, rowversion
SELECT t.c FROM dbo.t;

-- image
SELECT CAST(t.c AS varbinary(max)) FROM dbo.t;

-- geography and other CLR types
SELECT CAST(t.c AS varbinary(max)) FROM dbo.t;

-- uniqueidentifier
SELECT t.c FROM dbo.t;

-- datetime, smalldatetime
SELECT t.c FROM dbo.t;

-- datetime2
SELECT t.c FROM dbo.t;

-- datetimeoffset
SELECT t.c FROM dbo.t;

-- date
SELECT t.c FROM dbo.t;

-- time
SELECT t.c FROM dbo.t;

-- sql_variant (before 2016)
SELECT (SELECT CASE CAST(SQL_VARIANT_PROPERTY(v.x, 'BaseType') AS nvarchar(128)) WHEN N'datetime' THEN CONVERT(nvarchar(40), CAST(v.x AS datetime), 126) WHEN N'smalldatetime' THEN CONVERT(nvarchar(40), CAST(v.x AS smalldatetime), 126) WHEN N'date' THEN CONVERT(nvarchar(40), CAST(v.x AS date), 126) WHEN N'datetime2' THEN CONVERT(nvarchar(40), CAST(v.x AS datetime2(7)), 126) WHEN N'datetimeoffset' THEN CONVERT(nvarchar(40), CAST(v.x AS datetimeoffset(7)), 126) WHEN N'money' THEN CONVERT(nvarchar(40), CAST(v.x AS money), 2) WHEN N'smallmoney' THEN CONVERT(nvarchar(40), CAST(v.x AS money), 2) WHEN N'float' THEN CONVERT(nvarchar(40), CAST(v.x AS float), 2) WHEN N'real' THEN CONVERT(nvarchar(40), CAST(v.x AS real), 2) WHEN N'binary' THEN CONVERT(nvarchar(max), CAST(v.x AS varbinary(8000)), 1) WHEN N'varbinary' THEN CONVERT(nvarchar(max), CAST(v.x AS varbinary(8000)), 1) ELSE CAST(v.x AS nvarchar(4000)) END FROM (SELECT t.c AS x) AS v) FROM dbo.t;

