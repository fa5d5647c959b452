import { Duration, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import {
  AttributeType,
  Billing,
  type ITableV2,
  ProjectionType,
  TableEncryptionV2,
  TableV2,
} from 'aws-cdk-lib/aws-dynamodb';
import { Grant, type IGrantable, PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { BlockPublicAccess, Bucket, BucketEncryption, ObjectOwnership } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { SEALING_KEYS_PREFIX } from '../shared/aws/sealing-keys.ts';
import {
  EVENT_PREFIX,
  EXPIRY_ATTRIBUTE,
  type IndexShape,
  LIST_INDEX,
  TABLE_KEY,
  WORK_INDEX,
} from '../shared/aws/store/table.ts';
import type { BlobKind } from '../shared/ports/blobs.ts';
import type { Purpose } from '../shared/ports/vault.ts';
import { blobRetentionDays } from '../shared/retention.ts';
import type { Settings } from './settings.ts';

/** The kinds whose bytes end with their time; a ledger is needed for as long as its account, see functions/sweep. */
const EXPIRING: readonly BlobKind[] = ['raw', 'event', 'body'];

const READ_TABLE = ['GetItem', 'BatchGetItem', 'Query', 'ConditionCheckItem'];
const WRITE_TABLE = ['PutItem', 'UpdateItem', 'DeleteItem', 'BatchWriteItem'];

type ObjectAction = 'Get' | 'Put' | 'Delete';

interface StorageProps {
  readonly settings: Settings;
}

/** What must not be lost: the table, the bucket, and the keys without which the secrets in the table are noise. */
export class Storage extends Construct {
  readonly table: Pick<ITableV2, 'tableName' | 'tableArn'>;
  readonly bucket: Bucket;
  readonly keys: Readonly<Record<Purpose, Key>>;

  constructor(scope: Construct, id: string, { settings }: StorageProps) {
    super(scope, id);
    const removalPolicy = settings.removalPolicy === 'retain' ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY;
    this.table =
      settings.restoredTable === null
        ? this.#createTable(removalPolicy)
        : TableV2.fromTableName(this, 'RestoredTable', settings.restoredTable);
    this.bucket = this.#createBucket(settings, removalPolicy);
    const key = (keyId: string, description: string) =>
      new Key(this, keyId, { description, enableKeyRotation: true, removalPolicy });
    this.keys = {
      'mailbox-credential': key('MailboxKey', `${settings.name}: seals the passwords of mailboxes`),
      'webhook-secret': key('WebhookKey', `${settings.name}: seals the secrets of webhooks`),
    };
  }

  /** Reads and writes of the table's items and indexes; no scans, no changes of the table itself. */
  grantTable(grantee: IGrantable): Grant {
    return Grant.addToPrincipal({
      grantee,
      actions: [...READ_TABLE, ...WRITE_TABLE].map((action) => `dynamodb:${action}`),
      resourceArns: [
        this.table.tableArn,
        ...[WORK_INDEX, LIST_INDEX].map(({ name }) => `${this.table.tableArn}/index/${name}`),
      ],
    });
  }

  /** Reads of single events, by their id; of no account, webhook or delivery, and of no list. */
  grantEvents(role: Role): void {
    role.addToPolicy(
      new PolicyStatement({
        actions: ['dynamodb:GetItem'],
        resources: [this.table.tableArn],
        conditions: { 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': [`${EVENT_PREFIX}*`] } },
      }),
    );
  }

  /** An action on the blobs of some kinds. */
  grantBlobs(role: Role, action: ObjectAction, kinds: readonly BlobKind[]): void {
    for (const kind of kinds) {
      const reason = `The objects under ${kind}/ have random names: a prefix is the narrowest that can be granted.`;
      this.#grantObjects(role, [action], kind, reason);
    }
  }

  /** To read and write the public keys that secrets are sealed to: whoever could change one could read what is sealed next. */
  grantSealingKeys(role: Role): void {
    this.#grantObjects(role, ['Get', 'Put'], SEALING_KEYS_PREFIX, 'One key pair for each purpose and year.');
  }

  #grantObjects(role: Role, actions: readonly ObjectAction[], prefix: string, reason: string): void {
    Grant.addToPrincipal({
      grantee: role,
      actions: actions.map((action) => `s3:${action}Object`),
      resourceArns: [this.bucket.arnForObjects(`${prefix}/*`)],
    });
    const bucketId = Stack.of(this).resolve(this.bucket.bucketArn)['Fn::GetAtt'][0];
    Validations.of(role).acknowledge({
      id: `AwsSolutions-IAM5[Resource::<${bucketId}.Arn>/${prefix}/*]`,
      reason,
    });
  }

  #createTable(removalPolicy: RemovalPolicy): TableV2 {
    return new TableV2(this, 'Table', {
      partitionKey: { name: TABLE_KEY.partition, type: AttributeType.STRING },
      sortKey: { name: TABLE_KEY.sort, type: AttributeType.STRING },
      globalSecondaryIndexes: [WORK_INDEX, LIST_INDEX].map(indexProps),
      billing: Billing.onDemand(),
      encryption: TableEncryptionV2.dynamoOwnedKey(),
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      timeToLiveAttribute: EXPIRY_ATTRIBUTE,
      deletionProtection: removalPolicy === RemovalPolicy.RETAIN,
      removalPolicy,
    });
  }

  #createBucket(settings: Settings, removalPolicy: RemovalPolicy): Bucket {
    const bucket = new Bucket(this, 'Bucket', {
      encryption: BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      removalPolicy,
      lifecycleRules: [
        ...EXPIRING.map((kind) => ({
          id: `${kind}-ends`,
          prefix: `${kind}/`,
          expiration: Duration.days(blobRetentionDays(settings.retentionDays)),
        })),
        { id: 'unfinished-uploads-end', abortIncompleteMultipartUploadAfter: Duration.days(1) },
      ],
    });
    Validations.of(bucket).acknowledge({
      id: 'AwsSolutions-S1',
      reason:
        'Only the functions of this stack read it, each object once or twice; a log of that would need a second bucket kept with more care than this one. Trails with data events show the same.',
    });
    return bucket;
  }
}

function indexProps({ name, partition, sort, include }: IndexShape) {
  return {
    indexName: name,
    partitionKey: { name: partition, type: AttributeType.STRING },
    sortKey: { name: sort, type: AttributeType.STRING },
    projectionType: ProjectionType.INCLUDE,
    nonKeyAttributes: [...include],
  };
}
