SELECT TOP (0) h.c_Numero, h.c_Caja, h.n_Total FROM dbo.MA_PAGOS AS h;

SELECT TOP (0) l.n_Linea, l.c_Numero, l.Cod_Principal, l.Cantidad, l.c_Caja FROM dbo.MA_TRANSACCION AS l;

SELECT CHANGE_TRACKING_CURRENT_VERSION(), CHANGE_TRACKING_MIN_VALID_VERSION(OBJECT_ID(@P1)), CHANGE_TRACKING_MIN_VALID_VERSION(OBJECT_ID(@P2));

SELECT COUNT(*) FROM dbo.MA_PAGOS AS h;

(begin a transaction);

SELECT TOP (@P1) CAST(h.c_Numero AS nvarchar(max)), CAST(h.c_Caja AS nvarchar(max)), h.n_Total FROM dbo.MA_PAGOS AS h ORDER BY h.c_Numero, h.c_Caja;

SELECT TOP (1) 1, CAST(SQL_VARIANT_PROPERTY(l.c_Numero, 'BaseType') AS nvarchar(128)), CAST(SQL_VARIANT_PROPERTY(l.c_Numero, 'Collation') AS nvarchar(128)), CAST(SQL_VARIANT_PROPERTY(l.c_Caja, 'BaseType') AS nvarchar(128)), CAST(SQL_VARIANT_PROPERTY(l.c_Caja, 'Collation') AS nvarchar(128)) FROM dbo.MA_TRANSACCION AS l WHERE l.c_Numero IS NOT NULL AND l.c_Caja IS NOT NULL;

SELECT l.n_Linea, CAST(l.c_Numero AS nvarchar(max)), CAST(l.Cod_Principal AS nvarchar(max)), l.Cantidad, CAST(l.c_Caja AS nvarchar(max)) FROM dbo.MA_TRANSACCION AS l WHERE ((l.c_Numero = CAST(@P1 COLLATE Modern_Spanish_CI_AS AS varchar(8000)) AND l.c_Caja = CAST(@P2 COLLATE Modern_Spanish_CI_AS AS varchar(8000))) OR (l.c_Numero = CAST(@P3 COLLATE Modern_Spanish_CI_AS AS varchar(8000)) AND l.c_Caja = CAST(@P4 COLLATE Modern_Spanish_CI_AS AS varchar(8000)))) ORDER BY l.c_Numero, l.c_Caja, l.n_Linea;

(commit);

SELECT TOP (1) 1, CAST(SQL_VARIANT_PROPERTY(h.c_Numero, 'BaseType') AS nvarchar(128)), CAST(SQL_VARIANT_PROPERTY(h.c_Numero, 'Collation') AS nvarchar(128)), CAST(SQL_VARIANT_PROPERTY(h.c_Caja, 'BaseType') AS nvarchar(128)), CAST(SQL_VARIANT_PROPERTY(h.c_Caja, 'Collation') AS nvarchar(128)) FROM dbo.MA_PAGOS AS h WHERE h.c_Numero IS NOT NULL AND h.c_Caja IS NOT NULL;

SELECT CASE WHEN CAST(@P1 COLLATE Modern_Spanish_CI_AS AS varchar(8000)) = CAST(@P2 COLLATE Modern_Spanish_CI_AS AS varchar(8000)) AND CAST(@P3 COLLATE Modern_Spanish_CI_AS AS varchar(8000)) = CAST(@P4 COLLATE Modern_Spanish_CI_AS AS varchar(8000)) THEN 1 ELSE 0 END;

(begin a transaction);

SELECT TOP (@P1) CAST(h.c_Numero AS nvarchar(max)), CAST(h.c_Caja AS nvarchar(max)), h.n_Total FROM dbo.MA_PAGOS AS h WHERE (h.c_Numero >= CAST(@P2 COLLATE Modern_Spanish_CI_AS AS varchar(8000)) AND (h.c_Numero > CAST(@P3 COLLATE Modern_Spanish_CI_AS AS varchar(8000)) OR (h.c_Numero = CAST(@P4 COLLATE Modern_Spanish_CI_AS AS varchar(8000)) AND h.c_Caja > CAST(@P5 COLLATE Modern_Spanish_CI_AS AS varchar(8000))))) ORDER BY h.c_Numero, h.c_Caja;

SELECT l.n_Linea, CAST(l.c_Numero AS nvarchar(max)), CAST(l.Cod_Principal AS nvarchar(max)), l.Cantidad, CAST(l.c_Caja AS nvarchar(max)) FROM dbo.MA_TRANSACCION AS l WHERE ((l.c_Numero = CAST(@P1 COLLATE Modern_Spanish_CI_AS AS varchar(8000)) AND l.c_Caja = CAST(@P2 COLLATE Modern_Spanish_CI_AS AS varchar(8000)))) ORDER BY l.c_Numero, l.c_Caja, l.n_Linea;

(commit);

SELECT CHANGE_TRACKING_CURRENT_VERSION(), CHANGE_TRACKING_MIN_VALID_VERSION(OBJECT_ID(@P1)), CHANGE_TRACKING_MIN_VALID_VERSION(OBJECT_ID(@P2));

SELECT TOP (0) ct.[c_Numero], ct.[c_Caja], ct.SYS_CHANGE_VERSION FROM CHANGETABLE(CHANGES [dbo].[MA_PAGOS], @P1) AS ct;

SELECT TOP (@P1) CAST(ct.[c_Numero] AS nvarchar(max)), CAST(ct.[c_Caja] AS nvarchar(max)), ct.SYS_CHANGE_VERSION FROM CHANGETABLE(CHANGES [dbo].[MA_PAGOS], @P2) AS ct WHERE ct.SYS_CHANGE_VERSION <= @P3 ORDER BY ct.SYS_CHANGE_VERSION;

SELECT TOP (0) ct.[c_Numero], ct.[c_Caja], ct.SYS_CHANGE_VERSION FROM CHANGETABLE(CHANGES [dbo].[MA_TRANSACCION], @P1) AS ct;

SELECT TOP (@P1) CAST(ct.[c_Numero] AS nvarchar(max)), CAST(ct.[c_Caja] AS nvarchar(max)), ct.SYS_CHANGE_VERSION FROM CHANGETABLE(CHANGES [dbo].[MA_TRANSACCION], @P2) AS ct WHERE ct.SYS_CHANGE_VERSION <= @P3 ORDER BY ct.SYS_CHANGE_VERSION;

SELECT CHANGE_TRACKING_CURRENT_VERSION(), CHANGE_TRACKING_MIN_VALID_VERSION(OBJECT_ID(@P1)), CHANGE_TRACKING_MIN_VALID_VERSION(OBJECT_ID(@P2));

(begin a transaction);

SELECT CAST(h.c_Numero AS nvarchar(max)), CAST(h.c_Caja AS nvarchar(max)), h.n_Total FROM dbo.MA_PAGOS AS h WHERE ((h.c_Numero = CAST(@P1 COLLATE Modern_Spanish_CI_AS AS varchar(8000)) AND h.c_Caja = CAST(@P2 COLLATE Modern_Spanish_CI_AS AS varchar(8000))));

SELECT l.n_Linea, CAST(l.c_Numero AS nvarchar(max)), CAST(l.Cod_Principal AS nvarchar(max)), l.Cantidad, CAST(l.c_Caja AS nvarchar(max)) FROM dbo.MA_TRANSACCION AS l WHERE ((l.c_Numero = CAST(@P1 COLLATE Modern_Spanish_CI_AS AS varchar(8000)) AND l.c_Caja = CAST(@P2 COLLATE Modern_Spanish_CI_AS AS varchar(8000)))) ORDER BY l.c_Numero, l.c_Caja, l.n_Linea;

(commit);

SELECT CHANGE_TRACKING_CURRENT_VERSION(), CHANGE_TRACKING_MIN_VALID_VERSION(OBJECT_ID(@P1)), CHANGE_TRACKING_MIN_VALID_VERSION(OBJECT_ID(@P2));

SELECT TOP (@P1) CAST(ct.[c_Numero] AS nvarchar(max)), CAST(ct.[c_Caja] AS nvarchar(max)), ct.SYS_CHANGE_VERSION FROM CHANGETABLE(CHANGES [dbo].[MA_PAGOS], @P2) AS ct WHERE ct.SYS_CHANGE_VERSION <= @P3 ORDER BY ct.SYS_CHANGE_VERSION;

SELECT TOP (@P1) CAST(ct.[c_Numero] AS nvarchar(max)), CAST(ct.[c_Caja] AS nvarchar(max)), ct.SYS_CHANGE_VERSION FROM CHANGETABLE(CHANGES [dbo].[MA_TRANSACCION], @P2) AS ct WHERE ct.SYS_CHANGE_VERSION <= @P3 ORDER BY ct.SYS_CHANGE_VERSION;

SELECT CHANGE_TRACKING_CURRENT_VERSION(), CHANGE_TRACKING_MIN_VALID_VERSION(OBJECT_ID(@P1)), CHANGE_TRACKING_MIN_VALID_VERSION(OBJECT_ID(@P2));

(begin a transaction);

SELECT CAST(h.c_Numero AS nvarchar(max)), CAST(h.c_Caja AS nvarchar(max)), h.n_Total FROM dbo.MA_PAGOS AS h WHERE ((h.c_Numero = CAST(@P1 COLLATE Modern_Spanish_CI_AS AS varchar(8000)) AND h.c_Caja = CAST(@P2 COLLATE Modern_Spanish_CI_AS AS varchar(8000))));

SELECT l.n_Linea, CAST(l.c_Numero AS nvarchar(max)), CAST(l.Cod_Principal AS nvarchar(max)), l.Cantidad, CAST(l.c_Caja AS nvarchar(max)) FROM dbo.MA_TRANSACCION AS l WHERE ((l.c_Numero = CAST(@P1 COLLATE Modern_Spanish_CI_AS AS varchar(8000)) AND l.c_Caja = CAST(@P2 COLLATE Modern_Spanish_CI_AS AS varchar(8000)))) ORDER BY l.c_Numero, l.c_Caja, l.n_Linea;

(commit);

SELECT CHANGE_TRACKING_CURRENT_VERSION(), CHANGE_TRACKING_MIN_VALID_VERSION(OBJECT_ID(@P1)), CHANGE_TRACKING_MIN_VALID_VERSION(OBJECT_ID(@P2));

SELECT CHANGE_TRACKING_CURRENT_VERSION(), CHANGE_TRACKING_MIN_VALID_VERSION(OBJECT_ID(@P1)), CHANGE_TRACKING_MIN_VALID_VERSION(OBJECT_ID(@P2));

