import { Column, Entity, PrimaryColumn } from 'typeorm';

/** The last position whose effects are committed. Text, because positions are 64-bit and only ever compared. */
@Entity('checkpoints')
export class Checkpoint {
  @PrimaryColumn('text') view!: string;
  @Column('text') commit!: string;
  @Column('text') prepare!: string;
}

/** An event that a view could not apply: put aside so that the others go on, with an alarm. */
@Entity('parked_events')
export class ParkedEvent {
  @PrimaryColumn('text') view!: string;
  @PrimaryColumn('uuid') event_id!: string;
  @Column('text') stream!: string;
  @Column('text') type!: string;
  @Column('text') commit!: string;
  @Column('text') error!: string;
}
